"""Columns back to ordinary invoices, line by line, so that the two can be compared (D2)."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from itertools import groupby

import msgspec
from msgspec.structs import replace

from closedwon.billing.account import BillingSettings
from closedwon.billing.balances.pools import Pool
from closedwon.billing.balances.settle import settled
from closedwon.billing.columns.cohort import Sheet
from closedwon.billing.columns.layout import Layout, Stretch
from closedwon.billing.columns.roster import Roster, Row
from closedwon.billing.columns.whole import decimal
from closedwon.billing.invoices.draft import Identity, draft_of
from closedwon.billing.invoices.periods import finalizes_at, usage_invoice_id
from closedwon.billing.invoices.types import Invoice, InvoiceType, Line, LineType
from closedwon.billing.invoices.usage import CLASSES
from closedwon.kernel.exact import ZERO

UNIT = Decimal(1)


class Templates(msgspec.Struct, frozen=True, dict=True):
    """What the ordinary rules write on the lines of a layout, for one unit of each stretch."""

    layout: Layout

    @cached_property
    def usage(self) -> tuple[Line, ...]:
        """Uncovered line of every stretch."""
        return tuple(self._unit(stretch) for stretch in self.layout.stretches)

    @cached_property
    def empty(self) -> dict[int, Line]:
        """Line of every empty slice, by piece (R51)."""
        return {
            at: next(settled(piece.slice, ()))
            for at, piece in enumerate(self.layout.pieces)
            if piece.slot < 0
        }

    def _unit(self, stretch: Stretch) -> Line:
        piece = self.layout.pieces[stretch.piece].slice
        size = UNIT if stretch.until is None else stretch.until - stretch.floor
        (line,) = settled(replace(piece, begin=stretch.floor, end=stretch.floor + size), ())
        return line


def invoices(
    roster: Roster, sheet: Sheet, settings: BillingSettings
) -> Iterator[tuple[int, Invoice]]:
    """(row, draft) of every contract on the sheet, as ``billing.bill.bill`` drafts it."""
    templates = Templates(sheet.layout)
    for at, number in enumerate(sheet.rows.tolist()):
        row = roster.rows[number]
        lines = list(_lines(templates, sheet, at, row))
        place = sheet.layout.place
        lines.sort(key=lambda line: (CLASSES.index(line.type), place[line.product_id or ""]))
        window = sheet.layout.window
        identity = Identity(
            id=usage_invoice_id(row.contract.id, window.start),
            type=InvoiceType.USAGE,
            credit_type_id=sheet.layout.fiat,
        )
        issued_at = finalizes_at(window, settings.grace_hours)
        yield (
            number,
            draft_of(row.account, row.contract, identity, tuple(lines), issued_at, window),
        )


def _lines(templates: Templates, sheet: Sheet, at: int, row: Row) -> Iterator[Line]:
    layout = sheet.layout
    units = sheet.positions.units[:, at]
    by_piece = {
        piece: [number for number, _ in group]
        for piece, group in groupby(
            enumerate(layout.stretches), key=lambda numbered: numbered[1].piece
        )
    }
    used = {
        layout.pieces[stretch.piece].demand
        for number, stretch in enumerate(layout.stretches)
        if units[number]
    }
    overrides = [o.id for o in row.contract.overrides if o.window.overlaps(layout.window)]
    renamed = dict(zip(layout.overrides, overrides, strict=True))
    for number, piece in enumerate(layout.pieces):
        if piece.slot < 0:
            if piece.demand not in used:
                yield _own(templates.empty[number], renamed)
            continue
        for stretch in by_piece[number]:
            if units[stretch]:
                line = _own(templates.usage[stretch], renamed)
                yield from _split(line, sheet, stretch, at, row)
        yield from _applications(templates, sheet, by_piece[number], at, row)


def _split(line: Line, sheet: Sheet, stretch: int, at: int, row: Row) -> Iterator[Line]:
    """A stretch as its payers split it: money leads, a covered quantity is money over price."""
    places = sheet.places
    units = decimal(sheet.positions.units[stretch, at], sheet.positions.places)
    money = decimal(sheet.money.totals[stretch, at], places)
    for number, pool in enumerate(row.usable(sheet.layout.window)):
        paid = decimal(sheet.money.covered[number, stretch, at], places)
        if not paid:
            continue
        assert line.unit_price is not None
        part = units if paid == money else paid / line.unit_price
        yield _paid_by(replace(line, quantity=part, total=paid), pool)
        units, money = units - part, money - paid
        if not money:
            return
    yield replace(line, quantity=units, total=money)


def _applications(
    templates: Templates, sheet: Sheet, stretches: list[int], at: int, row: Row
) -> Iterator[Line]:
    """The negative line of every balance that paid some of a piece (R132)."""
    for number, pool in enumerate(row.usable(sheet.layout.window)):
        paid = sum(int(sheet.money.covered[number, stretch, at]) for stretch in stretches)
        if paid:
            usage = templates.usage[stretches[0]]
            applied = Line(
                type=LineType.APPLIED,
                name=f"{pool.commit.name} applied",
                total=ZERO - decimal(paid, sheet.places),
                product_id=usage.product_id,
                product_tags=usage.product_tags,
                credit_type_id=usage.credit_type_id,
                starting_at=usage.starting_at,
                ending_before=usage.ending_before,
            )
            yield _paid_by(applied, pool)


def _paid_by(line: Line, pool: Pool) -> Line:
    return replace(
        line,
        commit_id=pool.commit.id,
        segment_id=pool.segment.id,
        commit_kind=pool.commit.kind,
    )


def _own(line: Line, renamed: dict[str, str]) -> Line:
    """The line with the row's own override in place of the layout's."""
    override_id = line.why.override_id
    if override_id is None:
        return line
    return replace(line, why=replace(line.why, override_id=renamed[override_id]))
