"""The line over a CRM in memory and a real engine: what people do, and what must come of it."""

from datetime import timedelta

import pytest

from closedwon.billing.account import Account, Bill
from closedwon.engine import finalize
from closedwon.kernel.errors import Conflict, LimitReached, NotFound, Refused, RetryLater
from closedwon.kernel.ids import derive, id18
from closedwon.ports import RowResult
from closedwon.store.database import writing
from closedwon.store.line.deal_row import Outcome
from closedwon.store.line.release import release
from closedwon.store.rows import select
from closedwon.sync.assemble import FRESH_READS_MAX
from closedwon.sync.retries import Retries, Tick
from sync.line_kit import ACCOUNT, World

COMMITS = "select key from push_row where object_name = 'Meter_Commit__c' order by key"


def contract_of(world: World, opportunity_id: str) -> str:
    return derive("contract", world.crm.org_id(), opportunity_id)


def outcome(world: World, opportunity_id: str) -> str:
    return world.store.deals.get(opportunity_id).outcome


def test_a_won_deal_becomes_a_contract_and_its_balance_returns_to_the_crm(world: World) -> None:
    deal = world.win(amounts=("50000.10", "25000"))

    world.sync()

    contract = world.engine.contract(contract_of(world, deal))
    assert [commit.access_total for commit in contract.commits] == [5000010, 2500000]
    (customer,) = world.crm.rows("Meter_Customer__c")
    assert (customer["Account__c"], str(customer["Balance_Total__c"])) == (ACCOUNT, "75000.1")
    (sync,) = world.crm.rows("Meter_Sync_Record__c")
    assert (sync["Opportunity__c"], sync["Stage__c"]) == (deal, "Provisioned")
    assert len(world.crm.rows("Meter_Commit__c")) == 2


def test_a_second_run_writes_nothing_anywhere(world: World) -> None:
    world.win()
    world.win("Broken", amounts=("1",))
    world.add_line(world.win("Parked"), "2000000")
    world.sync()
    sent, billed = len(world.crm.sent), world.engine.content_hash()

    world.sync()
    world.sync(later=timedelta(minutes=1))

    assert len(world.crm.sent) == sent
    assert world.engine.content_hash() == billed


def test_a_line_added_later_becomes_an_edit_though_only_the_line_moved(world: World) -> None:
    deal = world.win()
    world.sync()
    world.add_line(deal, "300")

    world.sync()

    contract_id = contract_of(world, deal)
    assert len(world.engine.contract(contract_id).commits) == 2
    assert len(world.engine.edits(contract_id)) == 2
    assert len(world.crm.rows("Meter_Commit__c")) == 2


def test_a_deal_that_cannot_be_mapped_is_parked_alone_and_goes_on_when_corrected(
    world: World,
) -> None:
    good, bad = world.win("Good"), world.win("Bad", amounts=())
    line = world.crm.put("OpportunityLineItem", {"OpportunityId": bad, "TotalPrice": None})

    world.sync()

    assert outcome(world, good) == "provisioned"
    (reason,) = world.store.parked.open(bad)
    assert (reason.code, reason.record_id, reason.place) == (
        "no_price",
        line,
        "mappings/test.yaml:7:3",
    )
    shown = {row["Opportunity__c"]: row for row in world.crm.rows("Meter_Sync_Record__c")}
    assert shown[bad]["Stage__c"] == "Needs Attention"
    assert shown[bad]["Field__c"] == "TotalPrice"

    world.crm.put("OpportunityLineItem", {"Id": line, "TotalPrice": 5})
    world.sync()

    assert outcome(world, bad) == "provisioned"
    assert world.store.parked.open(bad) == ()


def test_seen_is_always_provisioned_parked_or_excluded(world: World) -> None:
    world.win("One")
    world.win("Two", amounts=("2000000",))
    gone = world.win("Three")
    lost = world.win("Four")
    world.crm.put("Opportunity", {"Name": "Open", "IsWon": False, "AccountId": ACCOUNT})
    world.now += timedelta(minutes=5)
    for name in ("poll", "assemble"):
        world.step(name).run(world.now)
    world.crm.delete("Opportunity", gone)
    world.crm.put("Opportunity", {"Id": lost, "IsWon": False})

    world.sync()

    counts = world.store.deals.check()
    assert (counts.seen, counts.provisioned, counts.parked) == (4, 1, 1)
    assert (counts.excluded, counts.waiting) == (2, 0)


def test_a_held_plan_waits_for_a_person_and_then_goes_through(world: World) -> None:
    deal = world.win(amounts=("2000000",))
    world.sync()
    held = world.store.plans.live(deal)
    assert held is not None
    assert not world.exists(contract_of(world, deal))
    (row,) = world.crm.rows("Meter_Sync_Record__c")
    assert row["Stage__c"] == "Ready For Review"
    assert "create_contract" in row["Mapped_Preview__c"]

    with writing(world.store.db):
        release(world.store, deal, "rita", world.now)
    world.sync()

    assert outcome(world, deal) == "provisioned"
    assert world.store.parked.history(deal)[0].released_by == "rita"


def test_an_amendment_that_arrives_with_its_original_follows_it(world: World) -> None:
    original = id18("006Fk0000009999")
    amendment = world.win("Upsell", amounts=("7",), Amends__c=original)
    world.win("Original", Id=original)

    world.sync()

    assert outcome(world, amendment) == "provisioned"
    assert len(world.engine.contract(contract_of(world, original)).commits) == 2
    assert world.store.deals.check().parked == 0


def test_an_amendment_without_its_original_is_parked_until_it_comes(world: World) -> None:
    original = id18("006Fk0000009999")
    amendment = world.win("Upsell", amounts=("7",), Amends__c=original)
    world.sync()
    assert [row.code for row in world.store.parked.open(amendment)] == ["contract_missing"]

    world.win("Original", Id=original)
    world.sync()

    assert outcome(world, amendment) == "provisioned"
    assert len(world.engine.contract(contract_of(world, original)).commits) == 2


def test_a_deleted_deal_keeps_its_contract_and_tells_a_person(world: World) -> None:
    deal = world.win()
    world.sync()
    billed = world.engine.content_hash()
    world.crm.delete("Opportunity", deal)

    world.sync()

    assert [row.code for row in world.store.parked.open(deal)] == ["deal_deleted"]
    assert world.engine.content_hash() == billed
    assert world.crm.rows("Meter_Sync_Record__c")[0]["Stage__c"] == "Suspended"

    world.crm.undelete("Opportunity", deal)
    world.sync()
    assert outcome(world, deal) == "provisioned"
    assert world.engine.content_hash() == billed


def test_an_unwon_deal_is_suspended_and_goes_on_when_it_is_won_again(world: World) -> None:
    deal = world.win()
    world.sync()
    billed = world.engine.content_hash()
    world.crm.put("Opportunity", {"Id": deal, "IsWon": False})
    world.sync()
    assert [row.code for row in world.store.parked.open(deal)] == ["unwon"]
    assert world.crm.rows("Meter_Sync_Record__c")[0]["Stage__c"] == "Suspended"

    world.crm.put("Opportunity", {"Id": deal, "IsWon": True})
    world.sync()

    assert outcome(world, deal) == "provisioned"
    assert world.store.parked.open(deal) == ()
    assert world.engine.content_hash() == billed


def test_a_deal_half_saved_is_read_again_and_only_then_told_to_a_person(world: World) -> None:
    deal = world.win()
    world.crm.put("OpportunityLineItem", {"OpportunityId": deal, "TotalPrice": 1})
    world.now += timedelta(minutes=5)
    world.step("poll").run(world.now)
    assemble = world.step("assemble")
    for _ in range(FRESH_READS_MAX):
        world.crm.put("Opportunity", {"Id": deal})
        report = assemble.run(world.now)

    assert report.parked == 1
    assert [row.code for row in world.store.parked.open(deal)] == ["deal_not_ready"]
    world.sync(later=timedelta(minutes=40))
    assert outcome(world, deal) == "provisioned"


def test_a_new_mapping_version_has_every_deal_read_again_and_changes_nothing(world: World) -> None:
    deal = world.win()
    world.sync()
    billed = world.engine.content_hash()
    world.version = "mapping-2"

    world.sync()

    assert world.store.deals.get(deal).mapping_version == "mapping-2"
    assert world.engine.content_hash() == billed


def test_a_plan_a_person_saw_is_refused_when_the_deal_moved(world: World) -> None:
    deal = world.win(amounts=("2000000",))
    world.sync()
    seen = world.store.plans.live(deal)
    assert seen is not None
    world.add_line(deal, "5")
    world.sync()

    with pytest.raises(Conflict, match="the world moved"):
        world.apply().apply_as_planned(seen.plan, "rita", world.now)
    assert outcome(world, deal) == "parked"

    fresh = world.store.plans.live(deal)
    assert fresh is not None
    world.apply().apply_as_planned(fresh.plan, "rita", world.now)
    assert outcome(world, deal) == "provisioned"
    world.store.deals.check()


def test_what_billing_refuses_is_rolled_back_whole_and_parked(world: World) -> None:
    deal = world.win(amounts=("5",))
    bad = world.win("Bad", amounts=("6",), AccountId=id18("001Fk0000000002"))
    world.now += timedelta(minutes=5)
    for name in ("poll", "assemble", "map", "plan"):
        world.step(name).run(world.now)
    with writing(world.store.db):
        world.store.db.conn.execute(
            "update plan set content = replace(content, :a, :b) where opportunity_id = :id",
            {"a": '"rate_card_id":null', "b": '"rate_card_id":"none"', "id": bad},
        )

    report = world.step("apply").run(world.now)

    assert (report.done, report.parked) == (1, 1)
    assert outcome(world, deal) == "provisioned"
    assert [row.code for row in world.store.parked.open(bad)] == ["billing_not_found"]
    assert len(world.engine.customers()) == 1


def test_a_refused_row_is_parked_and_its_neighbours_are_sent_once(world: World) -> None:
    world.win(amounts=("1", "2", "3"))
    world.now += timedelta(minutes=5)
    for name in ("poll", "assemble", "map", "plan", "apply", "finalize", "figures"):
        world.step(name).run(world.now)
    key = next(r["key"] for r in select(world.store.db, COMMITS))
    refusal = RowResult(ok=False, code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="No!")
    world.crm.refuse_key(key, refusal)

    report = world.step("push").run(world.now)

    assert (report.parked, report.waiting) == (1, 1)
    (parked,) = world.store.parked.open(key)
    assert (parked.code, "No!" in parked.message) == (
        "push_field_custom_validation_exception",
        True,
    )
    sent = [row["Key__c"] for _, row in world.crm.sent]
    assert len(sent) == len(set(sent))
    assert world.step("push").run(world.now).done == 0

    world.sync(later=timedelta(hours=2))
    assert world.store.parked.open(key) == ()


def test_a_lock_that_clears_is_no_ones_business(world: World) -> None:
    world.win()
    world.sync(later=timedelta(minutes=5))
    world.win("Second")
    lock = RowResult(ok=False, code="UNABLE_TO_LOCK_ROW", message="busy", retryable=True)
    customer_key = world.crm.rows("Meter_Customer__c")[0]["Key__c"]
    world.crm.refuse_key(customer_key, lock)

    world.sync()
    world.sync()

    assert world.store.parked.open() == ()
    assert world.store.pushes.count_waiting() == 0


def test_when_the_crm_is_away_the_local_steps_still_run_and_the_next_run_finishes(
    world: World,
) -> None:
    deal = world.win()
    world.crm.fail_next(RetryLater("Salesforce did not answer"))

    with pytest.raises(RetryLater, match="did not answer"):
        world.sync()
    assert "did not answer" in world.store.runs.last()["poll"][2]

    world.sync()
    assert outcome(world, deal) == "provisioned"


def test_an_api_limit_stops_the_run_resumably(world: World) -> None:
    deal = world.win()
    world.crm.fail_next(LimitReached("our share is spent"))

    with pytest.raises(LimitReached):
        world.sync()
    world.sync()
    assert outcome(world, deal) == Outcome.PROVISIONED


def test_a_push_whose_answer_was_lost_is_sent_again_and_makes_no_second_row(world: World) -> None:
    world.win()
    world.now += timedelta(minutes=5)
    for name in ("poll", "assemble", "map", "plan", "apply", "finalize", "figures"):
        world.step(name).run(world.now)
    real = world.crm.upsert

    def lost(*request: object) -> object:
        real(*request)  # type: ignore[arg-type]
        raise RetryLater("the connection broke before the answer")

    world.crm.upsert = lost  # type: ignore[method-assign, assignment]
    with pytest.raises(RetryLater):
        world.step("push").run(world.now)
    world.crm.upsert = real  # type: ignore[method-assign]
    report = world.step("push").run(world.now)

    assert report.notes == ("1 rows sent again after an unknown outcome",)
    assert len(world.crm.rows("Meter_Customer__c")) == 1
    assert world.store.pushes.count_waiting() == 0


def test_answers_for_other_rows_than_were_sent_are_not_believed(world: World) -> None:
    world.win()
    world.now += timedelta(minutes=5)
    for name in ("poll", "assemble", "map", "plan", "apply", "finalize", "figures"):
        world.step(name).run(world.now)
    real = world.crm.upsert
    world.crm.upsert = lambda *request: real(*request)[:-1]  # type: ignore[method-assign]

    with pytest.raises(RetryLater, match="other rows"):
        world.step("push").run(world.now)
    assert world.store.pushes.count_waiting() > 0


def test_an_object_the_org_lacks_is_named_and_stops_nothing(world: World) -> None:
    world.win()
    world.sync()
    world.add_line(world.win("Second"), "4")

    def missing(*_request: object) -> object:
        raise NotFound("no such object")

    world.crm.upsert = missing  # type: ignore[method-assign, assignment]
    world.sync()

    notes = world.store.runs.last()["push"][1].notes
    assert any("is the salesforce/ package deployed?" in note for note in notes)


def test_a_customer_without_a_bill_does_not_keep_the_others_from_their_figures(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = id18("001Fk0000000002")
    world.win("One")
    world.win("Two", AccountId=other)
    world.now += timedelta(minutes=5)
    for name in ("poll", "assemble", "map", "plan", "apply"):
        world.step(name).run(world.now)
    sick = derive("customer", world.crm.org_id(), other)
    real = finalize.bill

    def bill(account: Account, *rest: object) -> Bill:
        if account.customer.id == sick:
            raise Refused("usage without a rate")
        return real(account, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(finalize, "bill", bill)
    report = world.step("figures").run(world.now)

    assert report.notes == (f"customer {sick}: [refused] usage without a rate",)
    world.step("push").run(world.now)
    assert [row["Account__c"] for row in world.crm.rows("Meter_Customer__c")] == [ACCOUNT]


def test_a_tick_in_the_crm_releases_a_deal_and_is_cleared(world: World) -> None:
    deal = world.win(amounts=("2000000",))
    world.sync()
    key = world.crm.rows("Meter_Sync_Record__c")[0]["Key__c"]
    ticks = [Tick(key=key, opportunity_id=deal, by="salesforce:005x")]

    report = Retries(store=world.store, ticks=lambda: ticks).run(world.now)
    world.sync()

    assert report.done == 1
    assert outcome(world, deal) == "provisioned"
    assert world.store.parked.history(deal)[0].released_by == "salesforce:005x"
    assert world.crm.rows("Meter_Sync_Record__c")[0]["Retry__c"] is False


def test_a_tick_on_a_deal_that_is_not_parked_has_it_read_again(world: World) -> None:
    deal = world.win()
    world.sync()
    ticks = [Tick(key="none", opportunity_id=deal, by="salesforce:005x")]

    Retries(store=world.store, ticks=lambda: ticks).run(world.now)

    row = world.store.deals.get(deal)
    assert (row.waits_for, row.forced) == ("assemble", True)


def test_a_mapping_that_breaks_on_a_record_parks_that_deal_alone(world: World) -> None:
    good, poison = world.win("Good"), world.win("Poison", amounts=("NaN",))

    world.sync()

    assert outcome(world, good) == "provisioned"
    (reason,) = world.store.parked.open(poison)
    assert reason.code == "mapping_failed"
