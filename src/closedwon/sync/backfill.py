"""backfill: bring deals closed in the past down the same line, at a chosen pace, resumably.

The list of deals is stored before the first one is read, so a run that was killed goes on where it
was. A rehearsal is this very code over a copy of the state.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice

import msgspec

from closedwon.deals.source import DealSource
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO, major
from closedwon.kernel.instant import midnight
from closedwon.ports import Crm
from closedwon.step import Step, StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore
from closedwon.store.line.backfills import BackfillRow
from closedwon.store.line.deal_row import Counts

LIST_CHUNK = 5000
PASSES_MAX = 100_000
MINUTE_S = 60
PAUSES_MAX = 2
"""Pauses for deals saved a moment ago; what is still not at rest then, the next run reads."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """After a pass: deals of ``total`` that came to rest, and what the steps did."""

    settled: int
    total: int
    reports: tuple[StepReport, ...]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a backfill came to; money in major units by currency."""

    listed: int
    plans_applied: int
    contract_value: Mapping[str, Decimal]
    access_granted: Mapping[str, Decimal]
    counts: Counts
    """All deals ever seen, after it."""
    api_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """Lists won deals of the past and runs ``steps`` until none of them moves."""

    store: LineStore
    crm: Crm
    source: DealSource
    steps: tuple[Step, ...]
    sleep: Callable[[float], None]
    rate_per_minute: int | None = None
    """Most deals read per minute; None is as fast as the API budget allows."""
    batch_max: int = 1000
    """Deals a pass may read; the steps must be built with it."""
    settle_s: float = 60
    """How long a deal must stand still before it is read."""

    def start(self, since: date, until: date, now: datetime) -> int:
        """List and mark the deals closed in ``[since, until)``; returns how many.

        Polling begins where this starts, unless it began before.
        """
        with writing(self.store.db):
            self.store.watermarks.pin_org(self.crm.org_id(), now)
            self._begin_polling()
            self.store.backfills.start(since, until, now)
        return self._list(since, until, now)

    def resume(self, now: datetime) -> BackfillRow:
        """Go on with the last one; raises Refused when there is none to go on with."""
        row = self.store.backfills.unfinished()
        if row is None:
            raise Refused("no backfill was interrupted; start one with --from and --to")
        if row.listed is None:
            self._list(row.since, row.until, now)
        return row

    def run(self, now: datetime) -> Iterator[Progress]:
        """Pass after pass until nothing moves; each pass commits deal by deal."""
        total = self.store.deals.on_the_line()
        pauses = 0
        for _ in range(PASSES_MAX):
            reports = tuple(step.run(now) for step in self.steps)
            waiting = self.store.deals.on_the_line()
            yield Progress(settled=total - waiting, total=total, reports=reports)
            unread = self.store.deals.on_the_line("assemble")
            if not any(report.changed_anything or report.unchanged for report in reports):
                if not unread or pauses == PAUSES_MAX:
                    break
                pauses += 1
                self.sleep(self.settle_s + 1)
            elif self.rate_per_minute is not None and unread:
                self.sleep(MINUTE_S * min(self.batch_max, unread) / self.rate_per_minute)
        with writing(self.store.db):
            self.store.backfills.finished(now)

    def summary(self, listed: int, now: datetime) -> Summary:
        """Counts and money of the run at ``now``; asserts that no deal is unaccounted for (G2)."""
        plans = self.store.plans.applied_at(now)
        value: dict[str, Decimal] = {}
        access: dict[str, Decimal] = {}
        for plan in plans:
            money, currency = plan.money, plan.money.currency
            value[currency] = value.get(currency, ZERO) + major(money.contract_value, currency)
            access[currency] = access.get(currency, ZERO) + major(money.access_granted, currency)
        return Summary(
            listed=listed,
            plans_applied=len(plans),
            contract_value=value,
            access_granted=access,
            counts=self.store.deals.check(),
            api_calls=self.crm.usage().ours,
        )

    def _begin_polling(self) -> None:
        clock = self.crm.server_now()
        for name in (self.source.root, *(child.object_name for child in self.source.children)):
            if self.store.watermarks.read(name) is None:
                self.store.watermarks.advance(name, clock, clock)

    def _list(self, since: date, until: date, now: datetime) -> int:
        found = iter(self.crm.won(midnight(since), midnight(until)))
        listed = 0
        while chunk := list(islice(found, LIST_CHUNK)):
            with writing(self.store.db):
                self.store.deals.mark(chunk, now)
            listed += len(chunk)
        with writing(self.store.db):
            self.store.backfills.listed(listed)
        return listed
