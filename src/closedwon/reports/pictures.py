"""The accounts a report is about, each with its bill at one instant (D2)."""

from collections.abc import Iterator
from datetime import datetime

from closedwon.engine import Engine
from closedwon.finance.figures.picture import Picture


def pictures(engine: Engine, now: datetime, customer_id: str | None = None) -> Iterator[Picture]:
    """Customers by name, or the one asked for; drafts are included as of ``now``."""
    chosen = engine.customers() if customer_id is None else (engine.customer(customer_id),)
    catalog = engine.catalog()
    for customer in sorted(chosen, key=lambda c: (c.name, c.id)):
        yield Picture(
            account=engine.account(customer.id, now),
            bill=engine.bill(customer.id, now),
            catalog=catalog,
            now=now,
            environment="report",
        )
