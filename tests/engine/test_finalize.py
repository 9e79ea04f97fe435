"""Finalization: in batches, restartable, one customer at a time (G4, G7, G9, G13)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from billing.world import EPOCH, at, cents, charge, commit, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, infrax, infrax_upsell, setup
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.contracts.edits import Added, Amend, Archive, Create
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.engine import Engine
from closedwon.kernel.errors import LockHeld, Refused, RetryLater
from closedwon.store import rows
from closedwon.store.database import close, open_database
from closedwon.testing.usage import MemoryUsage

MONTH = at("2024-02-02")


class AskedUsage(MemoryUsage):
    """Counts questions, and refuses or fails for chosen customers."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[int] = []
        self.bad: dict[str, Exception] = {}

    def measure(self, demands: Iterable[Demand]) -> Quantities:
        listed = list(demands)
        self.questions.append(len(listed))
        for demand in listed:
            if demand.customer_ids[0] in self.bad:
                raise self.bad[demand.customer_ids[0]]
        return super().measure(listed)


def town(count: int) -> tuple[Engine, AskedUsage]:
    """``count`` customers with a small contract and some usage each."""
    world = setup()
    usage_store = AskedUsage()
    engine = Engine(world.db, usage_store)
    add_catalog(
        engine,
        [usage("Calls"), usage("Bytes"), fixed_product("commit"), fixed_product("fee")],
        [metric("Calls"), metric("Bytes")],
        [rate("Calls", "2"), rate("Bytes", "0.37")],
    )
    for n in range(count):
        who = f"customer{n}"
        add_customer(engine, who)
        terms = Added(
            commits=(
                commit(
                    f"commit{n}", ("1", "2024-01-01", "2024-03-01"), payments={"2024-01-01": "1"}
                ),
            )
        )
        create = Create(customer_id=who, term=span("2024-01-01"), rate_card_id="card", terms=terms)
        engine.create_contract(f"contract{n}", create, by="test", now=at("2023-12-31"))
        usage_store.use(event(who, "Calls", at("2024-01-10"), str(n + 1)))
    return engine, usage_store


def test_one_question_for_a_whole_batch_and_none_when_idle() -> None:
    engine, asked = town(5)
    first = engine.finalize(MONTH)
    assert (first.customers, first.invoices, first.remaining) == (5, 10, 0)
    assert asked.questions == [10]

    assert engine.finalize(MONTH).customers == 0
    assert engine.finalize(at("2024-02-28")).customers == 0
    assert asked.questions == [10]


def test_a_batch_takes_only_so_many_customers_and_says_how_many_remain() -> None:
    engine, asked = town(5)
    seen = []
    for _ in range(4):
        report = engine.finalize(MONTH, customers_max=2)
        seen.append((report.customers, report.remaining))
    assert seen == [(2, 3), (2, 1), (1, 0), (0, 0)]
    assert asked.questions == [4, 4, 2]


def test_batches_of_any_size_end_in_the_same_content() -> None:
    hashes = set()
    for size in (1, 2, 500):
        engine, _ = town(4)
        while engine.finalize(MONTH, customers_max=size).remaining:
            pass
        hashes.add(engine.content_hash())
    assert len(hashes) == 1


@pytest.mark.parametrize("problem", [Refused("bad metric"), ZeroDivisionError(), KeyError("p")])
def test_a_customer_that_cannot_be_billed_is_parked_and_the_others_go_on_g13(
    problem: Exception,
) -> None:
    engine, asked = town(4)
    if isinstance(problem, Refused):
        asked.bad["customer2"] = problem
        report = engine.finalize(MONTH)
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("closedwon.engine.finalize.bill", failing_for("customer2", problem))
            report = engine.finalize(MONTH)

    assert (report.customers, report.parked, report.remaining) == (3, 1, 0)
    (parked,) = engine.problems()
    assert (parked.customer_id, parked.attempts) == ("customer2", 1)
    assert parked.code == ("refused" if isinstance(problem, Refused) else "billing_failed")
    assert engine.invoices("customer2") == ()
    assert len(engine.invoices("customer3")) == 2


def failing_for(customer_id: str, problem: Exception) -> Any:
    from closedwon.billing.bill import bill

    def billed(account: Any, *rest: Any) -> Any:
        if account.customer.id == customer_id:
            raise problem
        return bill(account, *rest)

    return billed


def test_a_parked_customer_is_tried_later_and_leaves_once_it_works() -> None:
    engine, asked = town(2)
    asked.bad["customer0"] = Refused("bad metric")
    engine.finalize(MONTH)
    assert engine.finalize(at("2024-02-02T00:10:00")).parked == 0
    assert engine.finalize(at("2024-02-02T00:15:00")).parked == 1
    assert engine.problems()[0].attempts == 2
    assert engine.finalize(at("2024-02-02T00:30:00")).parked == 0

    asked.bad.clear()
    assert engine.finalize(at("2024-02-02T00:45:00")).customers == 1
    assert engine.problems() == ()
    assert len(engine.invoices("customer0")) == 2


def test_a_person_can_release_a_parked_customer() -> None:
    engine, asked = town(2)
    asked.bad["customer0"] = Refused("bad metric")
    engine.finalize(MONTH)
    asked.bad.clear()

    assert engine.release_problem("customer0", MONTH, by="ada")
    assert not engine.release_problem("customer1", MONTH, by="ada")
    assert engine.finalize(MONTH).customers == 1
    assert engine.stores.audit.rows()[-2].action == "release"


@pytest.mark.parametrize("away", [RetryLater("usage is away"), LockHeld("busy")])
def test_an_outside_that_is_away_parks_nobody(away: Exception) -> None:
    engine, asked = town(2)
    asked.bad["customer0"] = away
    before = engine.content_hash()
    with pytest.raises(type(away)):
        engine.finalize(MONTH)

    assert engine.problems() == ()
    assert engine.content_hash() == before
    asked.bad.clear()
    assert engine.finalize(MONTH).customers == 2


def test_a_contract_that_changes_while_it_is_billed_waits_for_the_next_run(
    tmp_path: Any,
) -> None:
    path = str(tmp_path / "state.db")
    world = setup(path)
    infrax(world.engine, world.usage)
    other_db = open_database(path)
    other = Engine(other_db, world.usage)

    class Meddling(MemoryUsage):
        def measure(self, demands: Iterable[Demand]) -> Quantities:
            found = world.usage.measure(demands)
            other.edit_contract(
                "first", infrax_upsell(), by="ada", now=at("2024-01-20"), edit_id="e"
            )
            return found

    report = Engine(world.db, Meddling()).finalize(MONTH)
    assert (report.customers, report.invoices, report.remaining) == (0, 0, 1)
    assert world.engine.finalize(MONTH).invoices == 2
    close(other_db)
    close(world.db)


def crash_points(world: Setup, monkeypatch: pytest.MonkeyPatch, work: Any) -> int:
    """Run ``work``, cut off at its first write, its second, ...; how many cuts it took."""
    real = rows._in_transaction
    before = (world.engine.content_hash(), world.engine.stores.audit.head())
    for cut in range(1, 200):
        left = cut

        def stop(db: Any, table: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            real(db, table)

        monkeypatch.setattr(rows, "_in_transaction", stop)
        try:
            work()
        except KeyboardInterrupt:
            monkeypatch.setattr(rows, "_in_transaction", real)
            after = (world.engine.content_hash(), world.engine.stores.audit.head())
            assert after == before, f"cut {cut} left something behind"
            assert not world.db.conn.in_transaction
        else:
            monkeypatch.setattr(rows, "_in_transaction", real)
            return cut - 1
    raise AssertionError("never finished")


def test_a_crash_at_any_write_leaves_all_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calm = setup()
    infrax(calm.engine, calm.usage)
    calm.engine.edit_contract("first", infrax_upsell(), by="t", now=at("2024-01-20"))
    calm.engine.finalize(at("2025-02-02"))

    world = setup()
    infrax(world.engine, world.usage)
    engine = world.engine
    edits = crash_points(
        world,
        monkeypatch,
        lambda: engine.edit_contract("first", infrax_upsell(), by="t", now=at("2024-01-20")),
    )
    finals = crash_points(world, monkeypatch, lambda: engine.finalize(at("2025-02-02")))

    assert edits >= 3
    assert finals > 25
    assert engine.content_hash() == calm.engine.content_hash()
    assert engine.stores.audit.broken_at() is None


def test_late_usage_leaves_a_finalized_invoice_alone_r20() -> None:
    world = setup()
    infrax(world.engine, world.usage)
    world.engine.finalize(MONTH)
    before = world.engine.content_hash()
    world.usage.use(event("customer", "Storage", at("2024-01-31T23:59:59"), "1000000"))

    world.engine.finalize(at("2024-02-03"))
    assert world.engine.content_hash() == before


def test_events_under_an_alias_count_once_it_is_given_r22() -> None:
    engine, usage_store = town(1)
    usage_store.use(event("acme", "Calls", at("2024-01-11"), "100"))
    engine.set_ingest_aliases("customer0", ["acme"], at("2024-01-20"))
    engine.finalize(MONTH)
    (bought, used) = engine.invoices("customer0")

    assert bought.type == "SCHEDULED"
    assert used.total == Decimal(202) - Decimal(100)


def test_a_charge_added_to_an_invoiced_date_gets_an_invoice_of_its_own_r150() -> None:
    engine, _ = town(1)
    engine.finalize(MONTH)
    terms = Added(charges=(charge("fee", {"2024-01-01": "5"}),))
    engine.edit_contract(
        "contract0", Amend(starting_at=MONTH, terms=terms), by="ada", now=at("2024-02-10")
    )
    report = engine.finalize(at("2024-02-10"))

    assert report.invoices == 1
    same_day = [i for i in engine.invoices("customer0") if i.issued_at == at("2024-01-01")]
    assert sorted(i.total for i in same_day) == [Decimal(100), Decimal(500)]


def test_a_backdated_contract_is_invoiced_at_once_r98() -> None:
    engine, _ = town(0)
    add_customer(engine, "late")
    create = Create(
        customer_id="late",
        term=span("2024-01-01"),
        rate_card_id="card",
        terms=Added(charges=(charge("fee", {"2024-01-05": "5"}),)),
    )
    engine.create_contract("c", create, by="ada", now=at("2024-03-05"))

    assert engine.finalize(at("2024-03-05")).invoices == 3


def test_an_archived_contract_is_left_in_peace() -> None:
    engine, _ = town(1)
    engine.finalize(MONTH)
    engine.edit_contract("contract0", Archive(void_invoices=False), by="ada", now=at("2024-02-10"))
    report = engine.finalize(at("2024-02-10"))
    assert (report.parked, report.invoices) == (0, 0)
    assert sum(e.amount for e in engine.ledger("commit0")) == 0
    assert engine.finalize(at("2029-01-01")).customers == 0


def test_a_balance_that_ends_inside_a_period_expires_when_that_periods_grace_is_over() -> None:
    """R184, and the contract wakes up for it although no invoice is due then."""
    engine, _ = town(0)
    add_customer(engine, "mid")
    terms = Added(commits=(commit("mid", ("1", "2024-01-01", "2024-03-10")),))
    create = Create(
        customer_id="mid", term=span("2024-01-01", "2024-03-20"), rate_card_id="card", terms=terms
    )
    engine.create_contract("c", create, by="ada", now=EPOCH)
    seen = {}
    for day in ("2024-03-09", "2024-03-10", "2024-03-20", "2024-03-21"):
        engine.finalize(at(day))
        seen[day] = [e.type.value for e in engine.ledger("mid")]

    assert seen["2024-03-20"] == ["SEGMENT_START"]
    assert seen["2024-03-21"] == ["SEGMENT_START", "EXPIRATION"]
    assert engine.finalize(at("2030-01-01")).customers == 0


def manual(amount: str, **more: Any) -> LedgerEntry:
    entry = LedgerEntry(
        id=f"manual{amount}",
        commit_id="commit0",
        segment_id="commit01",
        type=EntryType.MANUAL,
        timestamp=at("2024-01-15"),
        amount=cents(amount),
        reason="goodwill",
    )
    return replace(entry, **more)


def test_a_manual_entry_moves_the_balance_and_the_books_r198() -> None:
    engine, usage_store = town(1)
    usage_store.use(event("customer0", "Bytes", at("2024-01-12"), "1000"))
    engine.finalize(at("2024-01-01"))
    engine.add_manual_entry("customer0", manual("-0.30"), at("2024-01-20"), by="ada")
    engine.add_manual_entry("customer0", manual("-0.30"), at("2024-01-20"), by="ada")
    (balance,) = engine.bill("customer0", at("2024-01-20")).balances
    assert (balance.adjusted, balance.remaining, balance.used) == (-30, 0, 70)

    engine.finalize(MONTH)
    deferred = [p.minor for p in engine.postings() if p.account == "deferred_revenue"]
    assert (sorted(deferred), sum(deferred)) == ([-100, 30, 70], 0)
    assert engine.problems() == ()


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        (manual("1", type=EntryType.CREDITED), "type MANUAL"),
        (manual("1", reason=""), "reason"),
        (manual("1", segment_id="other"), "no such segment"),
    ],
)
def test_a_manual_entry_that_cannot_be_is_refused(entry: LedgerEntry, match: str) -> None:
    engine, _ = town(1)
    with pytest.raises(Refused, match=match):
        engine.add_manual_entry("customer0", entry, at("2024-01-20"))


def test_r195_more_may_be_taken_by_hand_than_is_left_the_balance_then_stands_at_zero() -> None:
    engine, usage_store = town(1)
    usage_store.use(event("customer0", "Bytes", at("2024-01-12"), "1000"))
    engine.finalize(at("2024-01-01"))
    engine.add_manual_entry("customer0", manual("-1.50"), at("2024-01-20"))
    (balance,) = engine.bill("customer0", at("2024-01-20")).balances
    assert (balance.adjusted, balance.remaining) == (-150, 0)

    engine.finalize(MONTH)
    deferred = [p.minor for p in engine.postings() if p.account == "deferred_revenue"]
    assert (sum(deferred), engine.problems()) == (0, ())


def test_a_closed_segment_takes_no_manual_entry() -> None:
    engine, _ = town(1)
    engine.finalize(at("2024-03-02"))
    with pytest.raises(Refused, match="closed"):
        engine.add_manual_entry("customer0", manual("1"), at("2024-03-02"))


def test_a_customers_metadata_is_frozen_with_the_invoice_r365() -> None:
    engine, _ = town(1)
    engine.add_custom_field_key("customer", "tier", False, EPOCH)
    engine.set_custom_fields("customer", "customer0", {"tier": "gold"}, EPOCH)
    engine.finalize(MONTH)
    engine.set_custom_fields("customer", "customer0", {"tier": "tin"}, MONTH)

    assert {i.customer_custom_fields["tier"] for i in engine.invoices("customer0")} == {"gold"}
    assert engine.customer("customer0").custom_fields == {"tier": "tin"}
