"""Every open usage invoice of many accounts at once, as columns where contracts are plain."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from closedwon.billing.account import Account, BillingSettings
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.columns.cohort import COHORT_MIN, Cohort, Sheet, billed, cohorts
from closedwon.billing.columns.panel import Increments, Panel
from closedwon.billing.columns.roster import Roster, roster
from closedwon.billing.invoices.usage import open_periods
from closedwon.kernel.instant import Interval

Measure = Callable[[Sequence[Panel]], Sequence[Increments]]
"""Answers all panels in one question to the usage store (D3)."""
NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""Before every period, so that ``open_periods`` only says which there are."""


class Drafts(msgspec.Struct, frozen=True, kw_only=True):
    """Open usage invoices of plain accounts, and the accounts that take the ordinary path."""

    roster: Roster
    sheets: tuple[Sheet, ...]
    """In the order they were drawn; a row may stand on several, one for each open period."""
    others: tuple[Account, ...]
    """Not on the sheets: not plain, too few alike, usage that fell, amounts too long."""


def drafts(
    accounts: Iterable[Account],
    catalog: Catalog,
    settings: BillingSettings,
    now: datetime,
    measure: Measure,
    *,
    smallest: int = COHORT_MIN,
) -> Drafts:
    """Price what is open at ``now``; every account ends on the sheets or among the others."""
    found, others = roster([account.at(now) for account in accounts], catalog, settings)
    rounds: list[list[Cohort]] = []
    out: set[int] = set()
    for windows in _rounds(found, now):
        together, alone = cohorts(found, windows, smallest)
        rounds.append(together)
        out |= set(alone)
    wanted = [cohort for together in rounds for cohort in together]
    answers = measure([cohort.panel(found) for cohort in wanted]) if wanted else ()
    sheets = []
    for cohort, answer in zip(wanted, answers, strict=True):
        sheet, unfit = billed(found, cohort, answer)
        sheets.append(sheet)
        out |= set(unfit.tolist())
    return _without(found, sheets, others, out)


def _rounds(found: Roster, now: datetime) -> Iterator[dict[Interval, list[int]]]:
    """The first open period of every row, then the second, ...: balances burn in that order."""
    open_by_row: list[list[Interval]] = [[] for _ in found.rows]
    numbers = {row.contract.id: number for number, row in enumerate(found.rows)}
    for account in {row.account.customer.id: row.account for row in found.rows}.values():
        for period in open_periods(account, found.catalog, now, NEVER):
            open_by_row[numbers[period.contract.id]].append(period.window)
    turn = 0
    while any(len(windows) > turn for windows in open_by_row):
        chosen: dict[Interval, list[int]] = {}
        for number, windows in enumerate(open_by_row):
            if len(windows) > turn:
                chosen.setdefault(windows[turn], []).append(number)
        yield chosen
        turn += 1


def _without(
    found: Roster, sheets: Sequence[Sheet], others: Iterable[Account], out: Iterable[int]
) -> Drafts:
    """The sheets without accounts of which any row cannot be a column."""
    leaving = {found.rows[number].account.customer.id: number for number in out}
    gone = [n for n, row in enumerate(found.rows) if row.account.customer.id in leaving]
    return Drafts(
        roster=found,
        sheets=tuple(sheet.without(gone) for sheet in sheets),
        others=(*others, *(found.rows[number].account for number in leaving.values())),
    )
