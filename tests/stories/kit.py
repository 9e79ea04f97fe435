"""Stories are told in the demo's world: a real org over HTTP, the application as wiring builds it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType
from closedwon.cli.demo import records
from closedwon.cli.demo.world import World
from closedwon.devorg.org import Org
from closedwon.sync.line import run_line
from closedwon.usage.types import UsageEvent
from closedwon.wiring import share
from closedwon.wiring.catalog import load_catalog, read_catalog


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def month_after(start: datetime) -> datetime:
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)


def open_infrax(world: World) -> None:
    """Catalogue and records, the first deal still negotiated."""
    path = share() / "config" / "catalog.infrax.yaml"
    load_catalog(world.app.engine, read_catalog(path), world.now)
    world.load(records.signed(world.now))


def open_widgets(world: World) -> None:
    """The catalogue of S2; no records."""
    path = Path(__file__).parent / "catalog.widgets.yaml"
    load_catalog(world.app.engine, read_catalog(path), world.now)


def win(world: World, opportunity_id: str, on: str) -> None:
    world.move(at(on))
    world.change("Opportunity", opportunity_id, StageName="Closed Won")
    world.sync()


def use(world: World, name: str, day: datetime, quantity: Decimal | str, account: str) -> None:
    event = UsageEvent(
        transaction_id=f"{account}-{name}-{day.isoformat()}",
        customer_id=account,
        event_type=name,
        timestamp=day,
        properties={"quantity": str(quantity)},
    )
    world.move(day)
    assert world.use([event]) == 1


def bill_month(world: World, start: datetime) -> None:
    """Let the month end, its grace pass, and the line run once."""
    world.move(month_after(start) + timedelta(days=1))
    list(run_line(world.app.steps, world.app.store, world.now))


def invoices(world: World, kind: InvoiceType = InvoiceType.USAGE) -> list[Invoice]:
    found = world.app.engine.invoices(status=InvoiceStatus.FINALIZED)
    return sorted((i for i in found if i.type is kind), key=lambda i: i.issued_at)


def create(world: World, object_name: str, **fields: Any) -> str:
    """A record a person enters now; returns its id."""
    return world.org.create(object_name, fields, Org.admin_id)


def one(world: World, soql: str) -> Mapping[str, Any]:
    (row,) = world.rows(soql)
    return row
