"""The engine on the real usage store bills the very bytes it bills on the one in memory."""

from pathlib import Path

from billing.world import at
from build import Setup, infrax, infrax_upsell, infrax_usage, setup
from closedwon.engine import Engine
from closedwon.usage import open_usage
from closedwon.usage.types import UsageEvent


def billed(world: Setup, engine: Engine) -> list[tuple[str, str]]:
    engine.edit_contract("first", infrax_upsell(), by="test", now=at("2024-11-20"))
    engine.finalize(at("2027-01-02"))
    assert engine.problems() == ()
    return list(world.db.conn.execute("select id, sha256 from invoice order by id"))


def test_both_stores_lead_to_the_same_frozen_invoices(tmp_path: Path) -> None:
    in_memory = setup()
    infrax(in_memory.engine, in_memory.usage)

    on_disk = setup(str(tmp_path / "state.db"))
    usage = open_usage(tmp_path / "usage", threads=1)
    infrax(on_disk.engine, on_disk.usage)
    events = [
        UsageEvent(
            transaction_id=e.transaction_id,
            customer_id=e.customer_id,
            event_type=e.event_type,
            timestamp=e.timestamp,
            properties=e.properties,
        )
        for e in infrax_usage()
    ]
    report = usage.ingest(events, at("2027-02-01"), any_age=True)
    assert (report.accepted, report.rejected) == (len(events), ())

    found = billed(on_disk, Engine(on_disk.db, usage))
    assert len(found) == 36 + 4
    assert found == billed(in_memory, in_memory.engine)
    usage.close()
