"""Lists of invoices, issue dates that people move, customers who are not billable."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.world import EPOCH, at, charge, commit, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.account import Billable
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.invoices.listing import InvoiceFilter
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType
from closedwon.kernel.errors import NotFound, Refused


def world(*commits: Commit, end: str | None = "2025-12-01") -> Setup:
    """Calls at a dollar from January 2025, and a fee on the fifth of February and March."""
    found = setup()
    add_catalog(
        found.engine,
        [usage("Calls"), fixed_product("commit"), fixed_product("fee")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(found.engine)
    create = Create(
        customer_id="customer",
        term=span("2025-01-01", end),
        rate_card_id="card",
        terms=Added(
            commits=commits, charges=(charge("fee", {"2025-02-05": "1", "2025-03-05": "2"}),)
        ),
    )
    found.engine.create_contract("k", create, by="test", now=EPOCH)
    found.usage.use(event("customer", "Calls", at("2025-01-10"), "10"))
    return found


def listed(found: Setup, now: str, **wanted: object) -> list[tuple[str, str]]:
    """Type and status of each, oldest first."""
    invoices = found.engine.list_invoices("customer", at(now), InvoiceFilter(**wanted))  # type: ignore[arg-type]
    return [(i.type.value, i.status.value) for i in invoices]


def draft(found: Setup, now: str, start: str) -> Invoice:
    (one,) = [i for i in found.engine.list_invoices("customer", at(now)) if i.start == at(start)]
    return one


def test_r129_r139_r289_a_list_has_drafts_with_their_planned_dates_oldest_first() -> None:
    found = world()
    found.engine.finalize(at("2025-02-06"))
    (first,) = [i for i in found.engine.invoices("customer") if i.type is InvoiceType.USAGE]
    found.engine.void_invoice(first.id, at("2025-02-07"))

    every = found.engine.list_invoices("customer", at("2025-02-08"))
    assert [(i.type.value, i.status.value, i.issued_at) for i in every] == [
        ("USAGE", "VOID", at("2025-02-02")),
        ("SCHEDULED", "FINALIZED", at("2025-02-05")),
        ("USAGE", "DRAFT", at("2025-03-02")),
        ("SCHEDULED", "DRAFT", at("2025-03-05")),
    ]
    down = found.engine.list_invoices(
        "customer", at("2025-02-08"), InvoiceFilter(newest_first=True)
    )
    assert [i.id for i in down] == [i.id for i in reversed(every)]


@pytest.mark.parametrize(
    ("starting_on", "ending_before", "expected"),
    [
        ("2025-01-01", "2025-02-01", ["USAGE"]),
        ("2025-01-02", "2025-02-05", []),
        ("2025-01-02", "2025-02-06", ["SCHEDULED"]),
        ("2025-02-01", "2025-03-01", ["SCHEDULED", "USAGE"]),
        ("2025-02-05", "2025-03-06", ["SCHEDULED", "SCHEDULED"]),
        (None, "2025-02-28", ["USAGE", "SCHEDULED"]),
        ("2025-02-06", None, ["SCHEDULED"]),
    ],
)
def test_r144_the_window_tests_the_period_and_of_others_the_issue_date(
    starting_on: str | None, ending_before: str | None, expected: list[str]
) -> None:
    found = world()
    found.engine.finalize(at("2025-02-06"))
    rows = listed(
        found,
        "2025-02-08",
        starting_on=None if starting_on is None else at(starting_on),
        ending_before=None if ending_before is None else at(ending_before),
    )
    assert [kind for kind, _ in rows] == expected


def test_r144_status_type_and_contract_narrow_a_list() -> None:
    found = world()
    found.engine.finalize(at("2025-02-06"))
    now = "2025-02-08"
    assert listed(found, now, status=InvoiceStatus.DRAFT, type=InvoiceType.USAGE) == [
        ("USAGE", "DRAFT")
    ]
    assert len(listed(found, now, contract_id="k")) == 4
    assert listed(found, now, contract_id="other") == []
    assert listed(found, now, credit_type_id="other") == []


def test_r291_a_moved_draft_is_final_on_its_new_date() -> None:
    found = world()
    january = draft(found, "2025-02-01", "2025-01-01")
    found.engine.update_issue_date("customer", january.id, at("2025-02-10"), at("2025-02-01"))
    before = found.engine.content_hash()
    found.engine.update_issue_date("customer", january.id, at("2025-02-10"), at("2025-02-01"))
    assert found.engine.content_hash() == before

    found.usage.use(event("customer", "Calls", at("2025-01-11"), "5"))
    hour = at("2025-02-01")
    while hour < at("2025-02-12"):
        found.engine.finalize(hour)
        hour += timedelta(hours=1)
    final = found.engine.invoice(january.id)
    assert (final.issued_at, final.finalized_at) == (at("2025-02-10"), at("2025-02-10"))
    assert final.total == 1500
    found.engine.finalize(at("2025-03-02"))
    assert len([i for i in found.engine.invoices("customer") if i.end]) == 2


def test_r291_what_cannot_be_moved() -> None:
    found = world(
        commit(
            "promise",
            ("100", "2025-01-01", "2025-03-01"),
            payments={"2025-03-01": "100"},
            kind=CommitKind.POSTPAID,
        )
    )
    found.engine.finalize(at("2025-02-06"))
    now = at("2025-02-08")
    february = draft(found, "2025-02-08", "2025-02-01")
    (trueup,) = [
        i
        for i in found.engine.list_invoices("customer", now)
        if any(line.commit_id == "promise" and line.payment_id for line in i.lines)
    ]
    final = found.engine.invoices("customer")[0]

    def refused(invoice_id: str, when: str, match: str) -> None:
        with pytest.raises(Refused, match=match):
            found.engine.update_issue_date("customer", invoice_id, at(when), now)

    refused(final.id, "2025-02-20", "only a DRAFT")
    refused(february.id, "2025-02-28", "outside")
    refused(february.id, "2025-12-02", "outside")
    refused(trueup.id, "2025-03-01", "outside")
    with pytest.raises(NotFound):
        found.engine.update_issue_date("customer", "nothing", now, now)


def test_r140_r291_a_true_up_waits_for_a_statement_that_was_moved() -> None:
    found = world(
        commit(
            "promise",
            ("100", "2025-01-01", "2025-03-01"),
            payments={"2025-03-01": "100"},
            kind=CommitKind.POSTPAID,
        )
    )
    february = draft(found, "2025-02-08", "2025-02-01")
    found.engine.update_issue_date("customer", february.id, at("2025-03-20"), at("2025-02-08"))
    found.engine.finalize(at("2025-03-10"))
    found.usage.use(event("customer", "Calls", at("2025-02-11"), "30"))
    found.engine.finalize(at("2025-03-20"))
    last = found.engine.invoices("customer")[-2:]
    assert {i.issued_at for i in last} == {at("2025-03-20")}
    assert sorted(i.total for i in last) == [3000, 6000]
    assert found.engine.problems() == ()


def test_r290_unbillable_invoices_are_computed_and_flagged() -> None:
    found = world()
    say = Billable(effective_at=at("2025-02-01"), is_billable=False)
    for _ in range(2):
        found.engine.set_billable("customer", say, at("2025-01-20"))
    again = Billable(effective_at=at("2025-03-05"), is_billable=True)
    found.engine.set_billable("customer", again, at("2025-01-20"))
    found.engine.finalize(at("2025-04-02"))

    flags = [
        (i.type.value, i.issued_at.month, i.is_billable) for i in found.engine.invoices("customer")
    ]
    assert flags == [
        ("USAGE", 2, True),
        ("SCHEDULED", 2, False),
        ("USAGE", 3, False),
        ("SCHEDULED", 3, True),
        ("USAGE", 4, False),
    ]
    assert sum(i.total for i in found.engine.invoices("customer")) == Decimal(1300)
    assert found.engine.findings() == ()
