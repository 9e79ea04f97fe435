"""Contracts that look alike in a billing period, priced together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import msgspec
import numpy as np
from msgspec.structs import replace

from closedwon.billing.columns.drawdown import (
    Money,
    Positions,
    digits_max,
    money_of,
    units_of,
)
from closedwon.billing.columns.layout import Layout, layout_of
from closedwon.billing.columns.panel import Increments, Panel
from closedwon.billing.columns.roster import Roster, Rows, key_in
from closedwon.billing.columns.whole import DIGITS_MAX, Whole
from closedwon.kernel.instant import Interval

Fit = np.ndarray[Any, np.dtype[np.bool_]]
"""Per row, whether it can be priced as a column."""
COHORT_MIN = 4
"""Fewer alike contracts than this are cheaper one by one."""


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a roster that share a layout."""

    rows: Rows
    layout: Layout
    balances: Rows
    """Shape (balances, rows): where each row's usable balances stand in ``Roster.left``."""

    def panel(self, roster: Roster) -> Panel:
        """What has to be measured for it."""
        return Panel(
            demands=tuple(demand for _, demand in self.layout.demands),
            names=[roster.rows[row].names for row in self.rows.tolist()],
        )


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """The usage invoices of a cohort for one period, as columns."""

    rows: Rows
    """Rows of the roster that were priced."""
    layout: Layout
    positions: Positions
    money: Money
    balances: Rows
    """As in the cohort, for the rows that were priced."""

    @property
    def places(self) -> int:
        """Digits after the point of every amount; wire unit of ``layout.fiat``."""
        return self.money.places

    @property
    def usage(self) -> Whole:
        """What usage cost, by row."""
        return _summed(self.money.totals, 0)

    @property
    def drawn(self) -> Whole:
        """What each usable balance paid; shape (balances, rows)."""
        return _summed(self.money.covered, 1)

    @property
    def payable(self) -> Whole:
        """Invoice totals, by row: usage minus what prepaid balances and credits paid (R133)."""
        due: Whole = self.usage - _summed(self.drawn, 0)
        return due

    def without(self, rows: Sequence[int]) -> Self:
        """The sheet without some rows of the roster."""
        if not rows:
            return self
        kept = ~np.isin(self.rows, rows)
        money = self.money
        return replace(
            self,
            rows=self.rows[kept],
            balances=self.balances[:, kept],
            positions=replace(self.positions, units=self.positions.units[:, kept]),
            money=replace(
                money,
                totals=money.totals[:, kept],
                covered=money.covered[:, :, kept],
                left=money.left[:, kept],
            ),
        )


def cohorts(
    roster: Roster, windows: Mapping[Interval, Iterable[int]], smallest: int = COHORT_MIN
) -> tuple[list[Cohort], list[int]]:
    """Rows grouped by how they look in their window, and rows that have to be billed one by one.

    ``windows`` says which rows to bill over which window.
    """
    found: list[Cohort] = []
    others: list[int] = []
    for window, numbers in windows.items():
        for rows, balances in _alike(roster, window, numbers):
            layout = None
            if len(rows) >= smallest:
                layout = layout_of(roster.rows[int(rows[0])], window, roster.catalog)
            if layout is None:
                others += rows.tolist()
            else:
                found.append(Cohort(rows=rows, layout=layout, balances=balances))
    return found, others


def billed(roster: Roster, cohort: Cohort, measured: Increments) -> tuple[Sheet, Rows]:
    """The cohort's invoices, drawn from ``roster.left``, and rows that do not fit a column.

    Rows whose usage falls, or could not be measured as columns, draw nothing and are handed back;
    all of them are when an amount is so long that the ordinary path would round it.
    """
    fit = ~measured.unfit
    if len(measured.values):
        fit &= (measured.values >= 0).all(axis=0).astype(np.bool_)
    sheet = _sheet(roster, cohort, measured, fit)
    if digits_max(sheet.money) > DIGITS_MAX:
        fit = np.zeros(len(cohort.rows), dtype=np.bool_)
        sheet = _sheet(roster, cohort, measured, fit)
    roster.refine(sheet.places)
    if sheet.money.left.dtype != roster.left.dtype:
        roster.left = roster.left.astype(object)
    roster.left[sheet.balances] = sheet.money.left
    return sheet, cohort.rows[~fit]


def _sheet(roster: Roster, cohort: Cohort, measured: Increments, fit: Fit) -> Sheet:
    """The invoices of the rows that ``fit``; nothing is drawn yet."""
    balances = cohort.balances[:, fit]
    positions = units_of(cohort.layout, measured.values[:, fit], measured.places)
    return Sheet(
        rows=cohort.rows[fit],
        layout=cohort.layout,
        positions=positions,
        money=money_of(cohort.layout, positions, roster.left[balances], roster.places),
        balances=balances,
    )


def _summed(values: Whole, axis: int) -> Whole:
    found: Whole = values.sum(axis=axis)
    return found


def _alike(roster: Roster, window: Interval, numbers: Iterable[int]) -> Iterator[tuple[Rows, Rows]]:
    """Groups of rows with equal keys, and where their usable balances stand.

    Contracts that promise the same are asked once.
    """
    wanted = np.zeros(len(roster.rows), dtype=np.bool_)
    wanted[np.fromiter(numbers, dtype=np.int64)] = True
    merged: dict[bytes, list[tuple[Rows, Rows]]] = {}
    for group in roster.groups:
        rows = group[wanted[group]]
        if len(rows):
            one = roster.rows[int(rows[0])]
            usable = [n for n, pool in enumerate(one.pools) if pool.window.overlaps(window)]
            balances = roster.first_pools[rows] + np.array(usable, dtype=np.int64)[:, None]
            merged.setdefault(key_in(one, window), []).append((rows, balances))
    for parts in merged.values():
        rows = np.concatenate([rows for rows, _ in parts])
        yield rows, np.concatenate([balances for _, balances in parts], axis=1)
