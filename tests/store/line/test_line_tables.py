"""The line's aggregates over a real database in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlite_utils import Database

from closedwon.billing.contracts.source import Source
from closedwon.deals.types import Deal, Finding, MoneyEffect, Plan
from closedwon.finance.figures.row import WantedRow
from closedwon.kernel.errors import ConfigError, InvariantBroken
from closedwon.step import StepReport
from closedwon.store.database import close, open_database, writing
from closedwon.store.line import LineStore
from closedwon.store.line.plans import PlanState
from closedwon.store.migrations import migrate

NOW = datetime(2024, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ID = "006Hs000000014qIAA"
FINDING = Finding(code="no_dates", message="no start", fix="set it", field="StartDate__c")


@pytest.fixture
def line() -> Iterator[LineStore]:
    db: Database = open_database(":memory:")
    migrate(db)
    with writing(db):
        yield LineStore(db)
    close(db)


def a_deal(fingerprint: str = "f1") -> Deal:
    return Deal(
        opportunity_id=ID,
        record={"Id": ID, "Amount": Decimal("505000.10"), "Account": {"Name": "Acme"}},
        children={"lines": ({"Id": "a0k", "Qty": Decimal("1.5")},)},
        fingerprint=fingerprint,
        read_at=NOW,
    )


def a_plan(base: str = "b1", *, held: bool = False) -> Plan:
    return Plan(
        opportunity_id=ID,
        opportunity_name="Acme 2024",
        deal_fingerprint="f1",
        base=base,
        steps=(),
        money=MoneyEffect(
            currency="USD",
            contract_value=Decimal("1.10"),
            access_granted=Decimal(0),
            invoices={NOW.date(): Decimal("1.10")},
        ),
        holds=(FINDING,) if held else (),
        source=Source(opportunity_id=ID),
    )


def test_a_deal_read_back_keeps_every_digit(line: LineStore) -> None:
    line.deals.mark([ID], NOW)
    line.deals.assembled(line.deals.get(ID), a_deal(), "Acme", NOW)

    assert line.deals.content(ID) == a_deal()


def test_a_change_seen_while_a_step_works_sends_the_deal_back_to_assemble(line: LineStore) -> None:
    line.deals.mark([ID], NOW)
    row = line.deals.get(ID)
    line.deals.mark([ID], LATER)

    line.deals.assembled(row, a_deal(), "Acme", LATER)

    assert line.deals.get(ID).waits_for == "assemble"


def test_marking_twice_adds_one_deal(line: LineStore) -> None:
    assert line.deals.mark([ID, ID], NOW) == 1
    assert line.deals.counts().seen == 1


def test_a_parked_deal_without_a_reason_breaks_the_invariant(line: LineStore) -> None:
    line.deals.mark([ID], NOW)
    line.deals.parked(line.deals.get(ID), NOW)

    with pytest.raises(InvariantBroken, match="disagree"):
        line.deals.check()

    line.parked.park("map", ID, [FINDING], NOW, opportunity_id=ID)
    assert line.deals.check().parked == 1


def test_an_open_reason_on_a_deal_that_is_not_parked_breaks_the_invariant(line: LineStore) -> None:
    line.deals.mark([ID], NOW)
    line.parked.park("map", ID, [FINDING], NOW, opportunity_id=ID)

    with pytest.raises(InvariantBroken, match="disagree"):
        line.deals.check()


def test_parking_again_counts_the_attempts_and_keeps_the_first_sight(line: LineStore) -> None:
    line.parked.park("map", ID, [FINDING, FINDING], NOW)
    line.parked.release(ID, "rita", NOW)
    line.parked.park("map", ID, [FINDING], LATER)

    (row,) = line.parked.open(ID)
    assert (row.attempts, row.first_seen_at, row.last_seen_at) == (2, NOW, LATER)
    assert line.parked.history(ID)[0].released_by == "rita"


def test_a_reason_that_no_longer_holds_is_closed_when_another_comes(line: LineStore) -> None:
    line.parked.park("map", ID, [FINDING], NOW)
    line.parked.park("plan", ID, [Finding(code="held", message="big", fix="release")], LATER)

    assert [row.code for row in line.parked.open(ID)] == ["held"]


def test_only_reasons_with_a_time_are_due(line: LineStore) -> None:
    line.parked.park("map", ID, [FINDING], NOW)
    line.parked.park("push", "prod:1", [FINDING], NOW, retry_at=LATER)

    assert line.parked.due(NOW, 10) == ()
    assert [row.subject for row in line.parked.due(LATER, 10)] == ["prod:1"]


def test_a_watermark_never_steps_back(line: LineStore) -> None:
    line.watermarks.advance("Opportunity", NOW, LATER)

    with pytest.raises(InvariantBroken, match="step back"):
        line.watermarks.advance("Opportunity", NOW, NOW)
    assert line.watermarks.all()[0].until == LATER


def test_a_state_belongs_to_one_org(line: LineStore) -> None:
    line.watermarks.pin_org("00D000000000001AAA", NOW)
    line.watermarks.pin_org("00D000000000001AAA", LATER)

    with pytest.raises(ConfigError, match="another Salesforce org"):
        line.watermarks.pin_org("00D000000000002AAA", LATER)


def test_a_crm_row_is_new_only_when_stamp_or_content_moved(line: LineStore) -> None:
    assert line.records.is_new("Opportunity", ID, (NOW, False, "h"))
    line.records.seen("Opportunity", ID, (NOW, False, "h"), NOW)

    assert not line.records.is_new("Opportunity", ID, (NOW, False, "h"))
    assert line.records.is_new("Opportunity", ID, (NOW, False, "other"))
    assert line.records.is_new("Opportunity", ID, (LATER, False, "h"))
    assert line.records.is_new("Opportunity", ID, (NOW, True, "h"))


def test_a_new_plan_overtakes_the_one_before(line: LineStore) -> None:
    first = line.plans.save(a_plan("b1"), NOW)
    second = line.plans.save(a_plan("b2"), LATER)

    assert second.may_apply
    assert line.plans.live(ID) == second
    assert first.digest != second.digest
    assert first.plan.money.invoices == {NOW.date(): Decimal("1.10")}


def test_an_equal_plan_keeps_its_release(line: LineStore) -> None:
    held = line.plans.save(a_plan(held=True), NOW)
    assert not held.may_apply
    assert line.plans.release(ID, "rita", NOW)

    assert line.plans.save(a_plan(held=True), LATER).state is PlanState.RELEASED
    assert not line.plans.release(ID, "rita", LATER)


def a_row(key: str, amount: str = "1.10", *, late: bool = False) -> WantedRow:
    fields = {"A": Decimal(amount)}
    return WantedRow(key=key, object_name="Meter_Commit__c", fields=fields, late=late)


def test_equal_figures_are_wanted_and_sent_once(line: LineStore) -> None:
    assert line.pushes.want([a_row("p:1"), a_row("p:2")], NOW) == 2
    assert line.pushes.want([a_row("p:1", "1.100"), a_row("p:2")], LATER) == 0
    for row in line.pushes.waiting(10):
        line.pushes.pushed(row, "a01", NOW)

    assert line.pushes.waiting(10) == ()
    assert line.pushes.want([a_row("p:1", "1.11")], LATER) == 1
    assert [row.key for row in line.pushes.waiting(10)] == ["p:1"]


def test_a_call_without_an_answer_is_counted_when_it_is_sent_again(line: LineStore) -> None:
    line.pushes.want([a_row("p:1")], NOW)
    rows = line.pushes.waiting(10)

    assert line.pushes.intend(rows, NOW) == 0
    line.pushes.unknown(rows)
    assert line.pushes.intend(rows, LATER) == 1
    line.pushes.pushed(rows[0], "a01", LATER)
    assert line.pushes.intend(rows, LATER) == 0


def test_a_parked_row_is_not_sent_until_it_changes_or_is_released(line: LineStore) -> None:
    line.pushes.want([a_row("p:1")], NOW)
    line.pushes.failed(line.pushes.waiting(10)[0], NOW, parked=True)
    assert line.pushes.waiting(10) == ()

    assert line.pushes.resend("p:1")
    assert len(line.pushes.waiting(10)) == 1
    line.pushes.failed(line.pushes.waiting(10)[0], NOW, parked=True)
    line.pushes.want([a_row("p:1", "9")], LATER)
    assert len(line.pushes.waiting(10)) == 1


def test_parents_are_sent_before_children_and_objects_apart(line: LineStore) -> None:
    line.pushes.want([a_row("b"), a_row("a", late=True)], NOW)
    parent = WantedRow(key="z", object_name="Meter_Customer__c", fields={})
    line.pushes.want([parent], NOW)

    assert [row.key for row in line.pushes.waiting(10)] == ["z"]
    assert [row.key for row in line.pushes.waiting(10, done=["z"])] == ["b", "a"]


def test_the_newest_run_of_each_step_is_kept(line: LineStore) -> None:
    line.runs.record(StepReport(step="poll", done=1), NOW)
    line.runs.record(StepReport(step="poll", done=2, notes=("two",)), LATER, "away")

    at, report, error = line.runs.last()["poll"]
    assert (at, report.done, report.notes, error) == (LATER, 2, ("two",), "away")


def test_a_mapping_version_no_longer_loaded_has_its_deals_read_again(line: LineStore) -> None:
    line.deals.mark([ID], NOW)
    line.parked.park("map", ID, [FINDING], NOW, opportunity_id=ID)
    line.deals.parked(line.deals.get(ID), NOW, "v1")

    assert line.deals.outdated(["v1"]) == ()
    assert line.deals.outdated(["v1", "v2"]) == ()
    assert line.deals.outdated(["v2"]) == (ID,)


def test_a_record_that_never_was_a_deal_is_forgotten_unless_it_moved(line: LineStore) -> None:
    line.deals.mark([ID], NOW)
    row = line.deals.get(ID)
    line.deals.mark([ID], LATER)
    line.deals.forgotten(row)
    assert line.deals.counts().seen == 1

    line.deals.forgotten(line.deals.get(ID))
    assert line.deals.counts().seen == 0
