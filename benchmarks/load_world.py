"""The state the load run is served from: ten thousand contracts, ten million sealed events.

A quarter of usage: two months are final, the third is open, so that a draft is priced over a third
of the events. Built once and kept; a run works on a copy, because it ingests.
"""

import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.invoice_world import BEGIN, create_catalogue, create_contract
from benchmarks.year_world import Size, fill
from closedwon.engine import tokens
from closedwon.engine.engine import Engine
from closedwon.kernel.instant import Interval
from closedwon.settings import Settings
from closedwon.store.database import close, open_database, writing
from closedwon.store.migrations import migrate
from closedwon.store.stores import Stores
from closedwon.store.tokens import Scope, secret_of
from closedwon.usage import open_usage

SPAN = Interval(BEGIN, datetime(2025, 4, 1, tzinfo=UTC))
NOW = SPAN.until - timedelta(hours=1)
"""Where the server's clock stands: all usage is past, the last month is open."""
SECRET = secret_of(bytes(32))
"""The token of the run; it opens this made-up state only."""


def build_side(directory: Path, *, state: str, size: list[int]) -> dict[str, Any]:
    """Catalogue, contracts, usage and two months of final invoices, whole or not at all."""
    world = Size(*size)
    settings = Settings(state_dir=directory / "state")
    db = open_database(settings.state_file)
    migrate(db)
    fill(settings.usage_dir, world, SPAN, NOW)
    usage = open_usage(settings.usage_dir)
    engine = Engine(db, usage)
    with writing(db):
        create_catalogue(engine)
        for number in range(world.customers):
            create_contract(engine, number, _prepaid(number, world))
    tokens.create(Stores(db), "load", frozenset(Scope), SECRET, by="benchmark", now=NOW)
    invoices = 0
    while (report := engine.finalize(NOW)).customers:
        invoices += report.invoices
    assert not report.remaining
    assert not engine.problems()
    usage.close()
    close(db)
    Path(state).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(settings.state_dir, state)
    return {"invoices": invoices}


def _prepaid(number: int, size: Size) -> Decimal:
    """Cents, ten to seventy for each event; some customers use more."""
    return Decimal(size.events // size.customers * (10 + number % 7 * 10))
