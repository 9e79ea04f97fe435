"""One commit or credit per period of a generator (R114, R201-R210).

The readings taken: a child that lives one period ends with its generator, one that lives longer ends
with its periods (R203, R209); it is created with its period, and the next one is there ahead (R204).
"""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction

from oracle.biller.book import Agreement
from oracle.biller.dates import anchor_of, nominal, point
from oracle.history import Commit, Payment, Recurring, Segment

HOUR = timedelta(hours=1)


def children(agreement: Agreement, now: datetime) -> list[Commit]:
    """Children that have begun, as they began, and the next one of each generator."""
    found = []
    for term in agreement.recurring:
        born = agreement.born.get(term.name, {})
        found += [c for at, c in born.items() if agreement.until is None or at < agreement.until]
        since = agreement.tuned.get(term.name)
        for child in _children(agreement, term):
            start = child.created
            if start in born or (since is not None and start <= since):
                continue
            found.append(child)
            if start > now:
                break
    return found


def keep_born(agreement: Agreement, now: datetime) -> None:
    """Before the agreement changes: what has begun stays what it is (R114)."""
    for term in agreement.recurring:
        begun = {c.created: c for c in children(agreement, now) if _is_of(c, term)}
        agreement.born[term.name] = {at: c for at, c in begun.items() if at <= now}
        agreement.tuned[term.name] = now


def _is_of(child: Commit, term: Recurring) -> bool:
    return child.name.partition("/")[0] == term.name


def _children(agreement: Agreement, term: Recurring) -> Iterator[Commit]:
    contract = agreement.contract
    start = max(term.since, contract.since)
    ends = [end for end in (term.until, agreement.until) if end is not None]
    end = min(ends, default=None)
    if end is not None and start >= end:
        return
    anchor, frequency = anchor_of(contract), contract.statement.frequency
    if term.frequency is not None:
        anchor, frequency = term.since, term.frequency
    for full in nominal(anchor, frequency, start):
        if end is not None and full[0] >= end:
            return
        begins = max(full[0], start)
        until = _life(anchor, frequency, full, term.lives)
        if term.lives == 1 and end is not None:
            until = min(until, end)
        share = _share(term, full, start, end)
        yield _child(term, begins, until, share)


def _life(
    anchor: datetime, frequency: str, full: tuple[datetime, datetime], lives: int
) -> datetime:
    """The start of the period that comes ``lives`` periods later (R203)."""
    n = 0
    while point(anchor, frequency, n) < full[0]:
        n += 1
    while point(anchor, frequency, n) > full[0]:
        n -= 1
    return point(anchor, frequency, n + lives)


def _share(
    term: Recurring, full: tuple[datetime, datetime], start: datetime, end: datetime | None
) -> Fraction:
    """Hours that count over hours of the full period (R10, R201)."""
    first, last = full
    if term.proration in ("FIRST", "FIRST_AND_LAST"):
        first = max(first, start)
    if term.proration in ("LAST", "FIRST_AND_LAST") and end is not None:
        last = min(last, end)
    return Fraction((last - first) // HOUR, (full[1] - full[0]) // HOUR)


def _child(term: Recurring, begins: datetime, until: datetime, share: Fraction) -> Commit:
    name = f"{term.name}/{begins.isoformat()}"
    amount = rounded(term.rounding, term.amount, share)
    payments: tuple[Payment, ...] = ()
    if term.invoiced is not None:
        billed = rounded(term.rounding, term.invoiced, share)
        payments = (Payment(name=f"{name}$", at=begins, amount=billed),)
    return Commit(
        name=name,
        kind="CREDIT" if term.is_credit else "PREPAID",
        segments=(Segment(name=name, amount=amount, since=begins, until=until),),
        payments=payments,
        priority=term.priority,
        selector=term.selector,
        rate_type=term.rate_type,
        rollover=term.rollover,
        created=begins,
    )


def rounded(rounding: tuple[str, int] | None, amount: Fraction, share: Fraction) -> Fraction:
    """Only a part of a period is rounded (R207, R223)."""
    part = amount * share
    if rounding is None or share == 1:
        return part
    method, places = rounding
    scale = Fraction(10) ** places
    ways = {
        "FLOOR": math.floor(part * scale),
        "CEILING": math.ceil(part * scale),
        "HALF_UP": math.floor(part * scale + Fraction(1, 2)),
    }
    return Fraction(ways[method]) / scale
