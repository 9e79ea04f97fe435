"""A usage invoice by hour or day of its events (R287).

The invoice's own lines are walked along the units they bill: what was covered comes first, so that
balances burn as time goes by, and the parts of a line add up to it exactly. Usage the invoice does
not know, because it came late, shows at the price of the line's last unit, paid by no balance.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import groupby, pairwise

import msgspec
from msgspec.structs import replace

from closedwon.billing.invoices.track import Track, price_track
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line, LineType
from closedwon.billing.invoices.usage import OpenPeriod
from closedwon.billing.rating.demand import Quantities
from closedwon.billing.rating.matching import Subject
from closedwon.billing.rating.quantities import Increment, increments
from closedwon.billing.rating.rates import priced_at
from closedwon.billing.rating.slices import UsageTerms, usage_subject
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import DAY, HOUR, Interval


class WindowSize(StrEnum):
    """How long one part is; days begin at midnight UTC."""

    HOUR = "HOUR"
    DAY = "DAY"


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """What one stretch of an invoice's period contributed."""

    invoice_id: str
    status: InvoiceStatus
    window: Interval
    total: Decimal
    lines: tuple[Line, ...]


Key = tuple[str, frozenset[tuple[str, str]], frozenset[tuple[str, str | None]]]
"""What tells usage lines of one invoice apart: product, pricing and presentation values."""


def finer(period: OpenPeriod, invoice: Invoice, size: WindowSize) -> OpenPeriod:
    """``period`` asking for the quantities a breakdown of ``invoice`` needs.

    Raises Refused for an invoice that is not of type USAGE, and for a void one.
    """
    if invoice.type is not InvoiceType.USAGE or invoice.status is InvoiceStatus.VOID:
        raise Refused("only a standing usage invoice has a breakdown (R287)", invoice=invoice.id)
    cuts = set(_cuts(invoice, size))
    for line in invoice.lines:
        if line.type is LineType.USAGE and line.starting_at and line.ending_before:
            cuts |= {line.starting_at, line.ending_before}
    demands = tuple(
        (product, replace(demand, cuts=tuple(sorted(cuts.union(demand.cuts))), own_cuts={}))
        for product, demand in period.demands
    )
    return replace(period, demands=demands)


def broken_down(
    invoice: Invoice, period: OpenPeriod, quantities: Quantities, size: WindowSize
) -> tuple[Breakdown, ...]:
    """Every part of the period in turn; for usage that came in time they sum to the invoice.

    ``period`` is what ``finer`` made. A subscription charge shows where its service begins, any
    other line that is not usage at the end of what it covers.
    """
    cuts = _cuts(invoice, size)
    found: list[list[Line]] = [[] for _ in cuts]
    for at, line in (*_usage(invoice, period, quantities), *_others(invoice)):
        found[bisect_right(cuts, at) - 1].append(line)
    return tuple(
        Breakdown(
            invoice_id=invoice.id,
            status=invoice.status,
            window=Interval(start, end),
            total=_total(invoice, lines),
            lines=tuple(sorted(lines, key=lambda line: line.type is LineType.APPLIED)),
        )
        for (start, end), lines in zip(pairwise(cuts), found, strict=False)
    )


def _cuts(invoice: Invoice, size: WindowSize) -> tuple[datetime, ...]:
    """Start, every whole hour or midnight inside, end."""
    start, end = invoice.start, invoice.end
    if start is None or end is None:
        return ()
    step = HOUR if size is WindowSize.HOUR else DAY
    at = start if size is WindowSize.HOUR else start.replace(hour=0)
    inside: list[datetime] = []
    while at < end:
        inside += [at] if at > start else []
        at += step
    return (start, *inside, end)


def _total(invoice: Invoice, lines: Iterable[Line]) -> Decimal:
    own = (line.payable for line in lines if line.credit_type_id == invoice.credit_type_id)
    return sum(own, ZERO)


def _usage(
    invoice: Invoice, period: OpenPeriod, quantities: Quantities
) -> Iterator[tuple[datetime, Line]]:
    """Usage lines with what balances paid of them, by the start of their stretch."""
    if period.terms is None:
        return
    names = _applied_names(invoice)
    tracks = _tracks(invoice)
    metrics = period.terms.catalog.metrics
    for product_id, pairs in groupby(period.demands, key=lambda pair: pair[0].id):
        product = period.terms.catalog.products[product_id]
        asked = [(demand, quantities.get(demand.key, ())) for _, demand in pairs]
        for rise in increments(product, asked, metrics):
            if not rise.units:
                continue
            subject = usage_subject(product, rise.version, rise.group)
            track = _track(tracks, period.terms, subject, rise)
            for line in () if track is None else track.moved(rise.units):
                part = replace(line, starting_at=rise.window.start, ending_before=rise.window.end)
                yield rise.window.start, part
                if part.segment_id is not None:
                    yield rise.window.start, _application(part, names)


def _tracks(invoice: Invoice) -> dict[Key, list[Track]]:
    """The invoice's usage lines by what they bill, then by their stretch."""
    lines: dict[tuple[Key, datetime], list[Line]] = {}
    for line in invoice.lines:
        if line.type is LineType.USAGE and line.starting_at is not None:
            lines.setdefault((_key_of(line), line.starting_at), []).append(line)
    found: dict[Key, list[Track]] = {}
    for (key, start), own in lines.items():
        found.setdefault(key, []).append(Track(Interval(start, own[0].ending_before), own))
    return found


def _track(
    tracks: dict[Key, list[Track]], terms: UsageTerms, subject: Subject, rise: Increment
) -> Track | None:
    """The lines that bill the increment; of late usage a new one, None when it is not sold."""
    key, at = _key(subject), rise.window.start
    for track in tracks.get(key, ()):
        if track.window.covers(at):
            return track
    rates = terms.card.by_product[subject.product_id]
    priced = priced_at(terms.contract, rates, subject, at)
    if priced is None:
        return None
    return price_track(rise.window, subject, rise.version.name, priced)


def _key(subject: Subject) -> Key:
    return (
        subject.product_id,
        frozenset(subject.pricing_group_values.items()),
        frozenset(subject.presentation_group_values.items()),
    )


def _key_of(line: Line) -> Key:
    return (
        line.product_id or "",
        frozenset(line.pricing_group_values.items()),
        frozenset(line.presentation_group_values.items()),
    )


def _applied_names(invoice: Invoice) -> dict[str, str]:
    applied = (line for line in invoice.lines if line.type is LineType.APPLIED)
    return {line.segment_id: line.name for line in applied if line.segment_id is not None}


def _application(part: Line, names: Mapping[str, str]) -> Line:
    return replace(
        part,
        type=LineType.APPLIED,
        name=names.get(part.segment_id or "", part.name),
        total=-part.total,
        quantity=None,
        unit_price=None,
        list_price=None,
        tier=None,
    )


def _others(invoice: Invoice) -> Iterator[tuple[datetime, Line]]:
    """Lines that are no usage, with what balances paid of them."""
    used = {line.product_id for line in invoice.lines if line.type is LineType.USAGE}
    subscribed = {line.product_id for line in invoice.lines if line.subscription_id is not None}
    for line in invoice.lines:
        is_usage = line.type in (LineType.USAGE, LineType.APPLIED) and line.product_id in used
        if is_usage or invoice.start is None or invoice.end is None:
            continue
        last = invoice.end - timedelta(microseconds=1)
        at = last
        if line.product_id in subscribed and line.starting_at is not None:
            at = min(max(line.starting_at, invoice.start), last)
        elif line.ending_before is not None:
            at = min(line.ending_before - timedelta(microseconds=1), last)
        yield at, line
