"""Alerts at work (R255, R271-R276, R281); S10's and the reference's examples."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from billing.world import at, commit, fixed_product, metric, rate, span, usage_product
from build import EPOCH, Setup, add_catalog, add_customer, event, setup
from closedwon.billing.alerts import SHELF
from closedwon.billing.alerts.types import (
    Alert,
    AlertFilter,
    AlertSpecifier,
    AlertType,
    GroupValue,
)
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.kernel.errors import Conflict, Refused

YEAR = ("2025-01-01", "2026-01-01")


def alert(kind: AlertType, threshold: int, **more: Any) -> Alert:
    fields = {"id": f"a-{kind}", "name": kind.value, "created_at": EPOCH, **more}
    return Alert(type=kind, threshold=Decimal(threshold), **fields)


def world(*commits: Commit) -> Setup:
    made = setup()
    add_catalog(
        made.engine,
        [
            usage_product("Tokens", presentation_group_key=("user",)),
            usage_product("Calls"),
            fixed_product("commit"),
        ],
        [metric("Tokens", group_keys=(("user",),)), metric("Calls")],
        [rate("Tokens", "1"), rate("Calls", "1")],
    )
    add_customer(made.engine)
    signed = Create(
        customer_id="customer",
        term=span(*YEAR),
        rate_card_id="card",
        terms=Added(commits=commits),
    )
    for entity in ("commit", "contract_credit"):
        made.engine.ensure_custom_field_keys(entity, ["team"], EPOCH)
    made.engine.create_contract("c", signed, by="test", now=at("2025-01-01"))
    return made


def told(made: Setup) -> list[dict[str, Any]]:
    """Bodies of alert events, oldest first."""
    events = made.engine.stores.events.after(0, 100)
    return [msgspec.json.decode(e.body) for e in events if e.type.startswith("alerts.")]


def use(made: Setup, name: str, when: str, value: str, **properties: str) -> None:
    made.usage.use(event("customer", name, at(when), value, **properties))


def status(made: Setup) -> str:
    (one,) = made.engine.alerts.statuses("customer")
    return one.status


def prepaid(name: str, amount: str, **more: Any) -> Commit:
    return commit(name, (amount, *YEAR), payments={"2025-01-01": amount}, **more)


def credit(name: str, amount: str, **more: Any) -> Commit:
    return commit(name, (amount, *YEAR), kind=CommitKind.CREDIT, **more)


def test_every_type_has_its_line_on_the_shelf() -> None:
    assert set(SHELF) == set(AlertType)


def test_r271_r273_told_once_on_entering_and_again_after_leaving() -> None:
    made = world(prepaid("p", "100"))
    engine = made.engine
    engine.alerts.create(alert(AlertType.COMMIT_BALANCE, 2000, tells_resolved=True), EPOCH)
    assert status(made) == "ok"

    use(made, "Calls", "2025-01-05", "8000")
    assert [one.entered for one in engine.alerts.evaluate(at("2025-01-06"))] == [True]
    assert engine.alerts.evaluate(at("2025-01-07")) == ()
    use(made, "Calls", "2025-01-08", "-5000")
    assert [one.entered for one in engine.alerts.evaluate(at("2025-01-09"))] == [False]
    use(made, "Calls", "2025-01-10", "5000")
    engine.alerts.evaluate(at("2025-01-11"))

    kinds = [one["type"] for one in told(made)]
    name = "alerts.low_remaining_commit_balance_reached"
    assert kinds == [name, f"{name}_resolved", name]
    first = told(made)[0]["properties"]
    assert (first["remaining_balance"], first["threshold"]) == (2000, 2000)
    assert first["customer_id"] == "customer"


def test_r271_a_customer_is_evaluating_until_it_was_looked_at_and_after_a_reset() -> None:
    made = world(prepaid("p", "10"))
    made.engine.alerts.create(alert(AlertType.COMMIT_BALANCE, 5000), at("2025-02-01"))
    assert status(made) == "in_alarm"

    made.engine.alerts.reset("a-low_remaining_commit_balance_reached", "customer", EPOCH)
    assert status(made) == "evaluating"
    made.engine.alerts.evaluate(at("2025-02-03"))

    assert status(made) == "in_alarm"
    assert len(told(made)) == 2


def test_r272_evaluate_on_create_false_is_silent_about_the_past() -> None:
    made = world(prepaid("p", "10"))
    quiet = alert(AlertType.COMMIT_BALANCE, 5000, evaluate_on_create=False)
    made.engine.alerts.create(quiet, at("2025-02-01"))

    assert status(made) == "in_alarm"
    assert told(made) == []


def test_r273_a_customer_without_balances_stays_ok() -> None:
    made = world()
    made.engine.alerts.create(alert(AlertType.COMBINED_BALANCE, 5000), at("2025-02-01"))

    assert status(made) == "ok"


def test_r273_kinds_are_told_apart_and_summed_together() -> None:
    made = world(prepaid("p", "60"), credit("f", "30"))
    for kind in (AlertType.COMMIT_BALANCE, AlertType.CREDIT_BALANCE, AlertType.COMBINED_BALANCE):
        made.engine.alerts.create(alert(kind, 6000), at("2025-02-01"))

    found = {one.alert.type: one.status for one in made.engine.alerts.statuses("customer")}
    assert found == {
        AlertType.COMMIT_BALANCE: "in_alarm",
        AlertType.CREDIT_BALANCE: "in_alarm",
        AlertType.COMBINED_BALANCE: "ok",
    }


@pytest.mark.parametrize(("used", "expected"), [("7900", "ok"), ("8000", "in_alarm")])
def test_r273_percentage_of_what_was_granted(used: str, expected: str) -> None:
    made = world(prepaid("p", "60"), credit("f", "40"))
    use(made, "Calls", "2025-01-05", used)
    made.engine.alerts.create(alert(AlertType.COMBINED_PERCENTAGE, 20), at("2025-01-06"))

    assert status(made) == expected


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [("p", 1000000, "ok"), ("p", 700000, "in_alarm")],
)
def test_r274_spend_counts_usage_and_no_purchases(kind: str, amount: int, expected: str) -> None:
    made = world(prepaid(kind, "3000"))
    use(made, "Calls", "2025-01-05", "700000")
    made.engine.alerts.create(alert(AlertType.SPEND, amount), at("2025-01-06"))

    assert status(made) == expected


def test_r274_each_group_value_by_itself() -> None:
    made = world()
    use(made, "Tokens", "2025-01-05", "60", user="a")
    use(made, "Tokens", "2025-01-05", "40", user="b")
    by_user = alert(AlertType.SPEND, 50, group_values=(GroupValue(key="user"),))
    made.engine.alerts.create(by_user, at("2025-01-06"))

    (one,) = made.engine.alerts.statuses("customer")
    assert one.keys == {"user=a": "in_alarm", "user=b": "ok"}
    assert [e["properties"]["group_values"] for e in told(made)] == [
        [{"key": "user", "value": "a"}]
    ]


def test_r275_usage_of_a_metric_over_the_current_period() -> None:
    made = world()
    watch = alert(AlertType.USAGE, 100, metric_id="m-Calls")
    use(made, "Calls", "2025-01-31", "99")
    made.engine.alerts.create(watch, at("2025-01-31"))
    assert status(made) == "ok"

    use(made, "Calls", "2025-01-31", "1")
    made.engine.alerts.evaluate(at("2025-01-31T12:00"))
    assert status(made) == "in_alarm"
    made.engine.alerts.evaluate(at("2025-02-03"))
    assert status(made) == "ok"


def test_r275_open_invoices_net_of_balances() -> None:
    made = world(credit("f", "40"))
    use(made, "Calls", "2025-01-05", "10000")
    made.engine.alerts.create(alert(AlertType.INVOICE_TOTAL, 6000), at("2025-01-06"))

    assert status(made) == "in_alarm"
    assert told(made)[0]["properties"]["invoice_total"] == 6000


@pytest.mark.parametrize(("now", "expected"), [("2025-12-01", "ok"), ("2025-12-25", "in_alarm")])
def test_r275_days_left_of_a_segment(now: str, expected: str) -> None:
    made = world(prepaid("p", "10"))
    made.engine.alerts.create(alert(AlertType.COMMIT_DAYS, 7), at(now))

    assert status(made) == expected


def test_r276_specifiers_include_and_exclude_and_watch_each_value() -> None:
    made = world(
        prepaid("a", "10", custom_fields={"team": "red"}),
        prepaid("b", "90", custom_fields={"team": "blue"}),
        credit("c", "5"),
    )
    team = AlertFilter(entity="ContractCreditOrCommit", key="team")
    each = alert(AlertType.COMBINED_BALANCE, 1000, specifiers=(AlertSpecifier(filters=(team,)),))
    made.engine.alerts.create(each, at("2025-02-01"))

    (one,) = made.engine.alerts.statuses("customer")
    assert one.keys == {"team=blue": "ok", "team=red": "in_alarm"}


def test_r255_r274_spend_in_dollars_ignores_pricing_units() -> None:
    made = world()
    watch = alert(AlertType.SPEND, 1, credit_type_id="2714e483-4ff1-48e4-9e25-ac732e8f24f2")
    made.engine.alerts.create(watch, at("2025-02-01"))

    assert status(made) == "ok"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (alert(AlertType.USAGE, 1), "billable_metric_id"),
        (alert(AlertType.SPEND, 1, group_values=(GroupValue(key="nope"),)), "R281"),
        (alert(AlertType.SPEND, 1, credit_type_id="x"), "unknown credit type"),
        (alert(AlertType.COMMIT_BALANCE, 1, group_values=(GroupValue(key="user"),)), "R274"),
        (
            alert(
                AlertType.COMMIT_BALANCE,
                1,
                specifiers=(
                    AlertSpecifier(filters=(AlertFilter(entity="Commit", key="t", value="x"),)),
                ),
            ),
            "R276",
        ),
        (
            alert(
                AlertType.COMBINED_BALANCE,
                1,
                specifiers=(
                    AlertSpecifier(
                        filters=(AlertFilter(entity="Commit", key="t", value="x"),),
                        excluded=((AlertFilter(entity="Contract", key="t", value="x"),),),
                    ),
                ),
            ),
            "R281",
        ),
    ],
)
def test_r276_r281_alerts_that_cannot_stand(wrong: Alert, said: str) -> None:
    with pytest.raises(Refused, match=said):
        world().engine.alerts.create(wrong, EPOCH)


def test_r7_an_archived_alert_gives_its_key_back_only_when_asked() -> None:
    engine = world().engine
    first = alert(AlertType.SPEND, 1, id="1", uniqueness_key="k")
    engine.alerts.create(first, EPOCH)
    engine.alerts.archive("1", EPOCH)
    with pytest.raises(Conflict):
        engine.alerts.create(alert(AlertType.SPEND, 1, id="2", uniqueness_key="k"), EPOCH)

    engine.alerts.archive("1", EPOCH, releases_key=True)
    engine.alerts.create(alert(AlertType.SPEND, 1, id="2", uniqueness_key="k"), EPOCH)

    assert [one.id for one in engine.alerts.all()] == ["2"]
