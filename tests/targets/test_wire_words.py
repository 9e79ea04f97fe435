"""Plans in the words of the wire: exact, and refused where there is no word (pure)."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from closedwon.billing.contracts.edits import (
    Added,
    Amend,
    ChangeEnd,
    ContractSettings,
    Create,
    Edit,
    Revise,
)
from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.contracts.gated import Discount, ProfessionalService, ProviderSegment
from closedwon.billing.contracts.recurring import RecurringAmount, RecurringCommit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import QuantityUpdate
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.contracts.thresholds import Gate, GateType
from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval
from closedwon.targets.metronome.contract import contract_body
from closedwon.targets.metronome.edits import edit_body
from closedwon.targets.metronome.meaning import Meaning
from closedwon.targets.metronome.pairing import paired, paired_rows
from closedwon.testing.target_world import SIGNED, at, points, prepaid, signed
from targets.test_same_bills import EVERYTHING, MONTHLY, SEATS

D = Decimal
MEANT = Meaning(
    there=lambda kind, our_id: f"{kind}:{our_id}", fresh=frozenset(EVERYTHING.terms.ids)
)


def body_of(create: Create) -> dict[str, Any]:
    return contract_body(MEANT, "contract", create)


def with_terms(**terms: Any) -> Create:
    return signed(terms=Added(**terms))


def contract(create: Create = EVERYTHING) -> Contract:
    edit = Edit(id="e", contract_id="contract", at=SIGNED, by="test", change=create)
    return contract_of([edit])


def test_numbers_are_written_as_they_are() -> None:
    amount = D("1234567890123456789.0123456789")
    commit = prepaid("exact", {"2024-01-01/2025-01-01": str(amount)}, {"2024-01-01": "0.10"})
    text = strict_json.dumps(body_of(with_terms(commits=(commit,))))

    assert '"amount":1234567890123456789.0123456789' in text
    assert '"unit_price":0.1,' in text


def test_terms_name_one_another_by_temporary_id_and_only_those_that_are_named_have_one() -> None:
    body = body_of(EVERYTHING)
    (specific,) = [one for one in body["overrides"] if one.get("is_commit_specific")]
    (per_seat,) = body["recurring_credits"]

    assert specific["override_specifiers"][0]["commit_ids"] == ["gift"]
    assert per_seat["subscription_config"]["subscription_id"] == "seats"
    named = [
        one["temporary_id"]
        for rows in body.values()
        if isinstance(rows, list)
        for one in rows
        if isinstance(one, dict) and "temporary_id" in one
    ]
    assert sorted(named) == ["gift", "seats"]


def test_several_products_and_tags_of_an_override_become_specifiers() -> None:
    hidden = body_of(EVERYTHING)["overrides"][3]

    assert hidden["override_specifiers"] == [
        {"product_id": "product:product-analysis"},
        {"product_tags": ["nothing-has-this"]},
    ]


def test_an_amendment_and_an_end_are_one_edit() -> None:
    more = prepaid("more", {"2024-03-01/2025-01-01": "1"}, {})
    amend = Amend(starting_at=at("2024-03-01"), terms=Added(commits=(more,)))
    body = edit_body(MEANT, contract(), [amend, ChangeEnd(ending_before=None)])

    assert set(body) == {"add_commits", "update_contract_end_date"}
    assert body["update_contract_end_date"] is None


def test_of_two_ends_and_two_names_the_last_is_said() -> None:
    changes = [
        ChangeEnd(ending_before=at("2024-10-01")),
        Revise(name="One"),
        Revise(name="Two"),
        ChangeEnd(ending_before=at("2024-11-01")),
    ]
    body = edit_body(MEANT, contract(), changes)

    assert body["update_contract_name"] == "Two"
    assert body["update_contract_end_date"].startswith("2024-11-01T00:00:00")


def test_rows_of_a_schedule_are_added_updated_and_removed_by_their_remote_ids() -> None:
    (charge,) = EVERYTHING.terms.charges
    rows = points("support", {"2024-01-20": "2", "2024-09-20": "3"})
    change = Revise(replace=Added(charges=(replace(charge, items=rows),)))
    (update,) = edit_body(MEANT, contract(), [change])["update_scheduled_charges"]
    schedule = update["invoice_schedule"]

    assert [one["id"] for one in schedule["update_schedule_items"]] == [
        "payment:support@2024-01-20"
    ]
    assert schedule["remove_schedule_items"] == [{"id": "payment:support@2024-06-20"}]
    assert [one["unit_price"] for one in schedule["add_schedule_items"]] == [D(3)]


def test_what_did_not_change_is_not_said() -> None:
    same = Revise(replace=EVERYTHING.terms)
    body = edit_body(
        MEANT, contract(), [replace(same, replace=replace(same.replace, overrides=()))]
    )

    assert body == {}


NO_WORD: dict[str, Callable[[], Any]] = {
    "no priority": lambda: body_of(
        replace(EVERYTHING, terms=Added(recurring=(replace(MONTHLY, priority=None),)))
    ),
    "custom fields of the recurring": lambda: body_of(
        with_terms(recurring=(replace(MONTHLY, custom_fields={"a": "b"}),))
    ),
    "payment gate": lambda: body_of(
        with_terms(commits=(replace(signed().terms.commits[0], gate=Gate(type=GateType.EXTERNAL)),))
    ),
    "access never ends": lambda: body_of(with_terms(commits=(endless(),))),
    "quantity of 'Seats'": lambda: body_of(
        with_terms(
            subscriptions=(
                replace(
                    SEATS,
                    quantity_updates=(QuantityUpdate(starting_at=at("2024-02-01"), delta=D(1)),),
                ),
            )
        )
    ),
    "package": lambda: body_of(replace(EVERYTHING, package_id="p")),
    "billing provider": lambda: body_of(
        signed(
            settings=ContractSettings(
                providers=(ProviderSegment(effective_at=SIGNED, configuration_id="x"),)
            )
        )
    ),
    "services and royalties": lambda: body_of(
        with_terms(
            services=(
                ProfessionalService(
                    id="s", product_id="p", unit_price=D(1), quantity=D(1), max_amount=D(1)
                ),
            )
        )
    ),
    "other thresholds": lambda: edit_body(MEANT, contract(), [Revise(settings=ContractSettings())]),
    "another discount": lambda: edit_body(
        MEANT, contract(), [Revise(replace=Added(discounts=(discount(),)))]
    ),
    "other terms of 'Monthly commit'": lambda: edit_body(
        MEANT, contract(), [Revise(replace=Added(recurring=(replace(MONTHLY, priority=D(8)),)))]
    ),
    "what 'Monthly commit' is paid with": lambda: edit_body(
        MEANT, contract(), [Revise(replace=Added(recurring=(replace(MONTHLY, invoice=None),)))]
    ),
    "other seats": lambda: edit_body(
        MEANT,
        contract(),
        [Revise(replace=Added(subscriptions=(replace(SEATS, window=Interval(at("2024-02-01"))),)))],
    ),
    "take out the terms seats": lambda: edit_body(
        MEANT, contract(), [Revise(remove_ids=("seats",))]
    ),
}


def endless() -> Any:
    commit = signed().terms.commits[0]
    first = replace(commit.segments[0], window=Interval(at("2024-01-01")))
    return replace(commit, segments=(first,))


def discount() -> Discount:
    return Discount(id="d", product_id="p", name="Off", items=points("d", {"2024-01-01": "1"}))


@pytest.mark.parametrize("words", NO_WORD)
def test_what_the_wire_cannot_say_is_refused_in_words(words: str) -> None:
    told = words.replace("other seats", "other start of the subscription")
    with pytest.raises(Refused, match="the target cannot be told") as raised:
        NO_WORD[words]()

    assert told in str(raised.value)


def shown(number: str, amount: str, **more: Any) -> dict[str, Any]:
    rows = [{"id": "s", "amount": D(amount), "starting_at": "2024-01-01T00:00:00+00:00"}]
    product = {"id": "p", "name": "P"}
    return {"id": number, "product": product, "access_schedule": {"schedule_items": rows}, **more}


def sent(amount: str, **more: Any) -> dict[str, Any]:
    rows = [{"amount": D(amount), "starting_at": "2024-01-01T00:00:00Z"}]
    return {"product_id": "p", "access_schedule": {"schedule_items": rows}, **more}


def test_terms_are_paired_by_what_they_say_however_it_is_written() -> None:
    theirs = [shown("1", "5.0", name="B"), shown("2", "5", name="A"), shown("3", "7")]
    found = paired([("a", sent("5", name="A")), ("b", sent("5.00", name="B"))], theirs, "commits")

    assert {our_id: row["id"] for our_id, row in found.items()} == {"a": "2", "b": "1"}


@pytest.mark.parametrize("theirs", [[], [shown("1", "6")], [shown("1", "5"), shown("2", "5")]])
def test_terms_that_are_not_there_exactly_are_refused(theirs: list[dict[str, Any]]) -> None:
    with pytest.raises(Refused, match=f"shows {len(theirs) // 2 * 2} of 1 commits"):
        paired([("a", sent("5"))], theirs, "commits")


def test_rows_known_from_before_keep_their_ids_and_others_must_fit() -> None:
    theirs = [{"id": "x", "amount": D(9)}, {"id": "y", "amount": D(2)}]
    ours = {"one": {"amount": D(1)}, "two": {"amount": D(2)}}

    assert paired_rows(ours, theirs, {"one": "x"}, "rows") == {"one": "x", "two": "y"}
    with pytest.raises(Refused, match="rows of rows"):
        paired_rows(ours, theirs, {}, "rows")
    with pytest.raises(Refused, match="has 1 rows, ours 2"):
        paired_rows(ours, theirs[:1], {}, "rows")


def test_a_free_recurring_credit_goes_where_credits_go() -> None:
    credit = RecurringCommit(
        id="c",
        kind=CommitKind.CREDIT,
        product_id="product-prepaid",
        name="Monthly credit",
        access=RecurringAmount(unit_price=D(5)),
        window=Interval(at("2024-01-01")),
        priority=D(1),
        created_at=SIGNED,
    )
    body = body_of(with_terms(recurring=(credit,)))

    assert "recurring_commits" not in body
    assert body["recurring_credits"][0]["access_amount"]["unit_price"] == D(5)
