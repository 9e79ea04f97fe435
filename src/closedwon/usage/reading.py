"""What is read off the store besides bills: samples by id, repetitions, senders."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from closedwon.usage.columns import EPOCH, MICROSECOND
from closedwon.usage.types import Sender, Traced, UsageEvent

SEARCH = """
    select sequence, epoch_us(ingested_at), transaction_id, customer, event_type,
        epoch_us(happened_at), properties
    from event join wanted using (transaction_id) order by sequence
"""


UNMATCHED = """
    select customer, count(*), min(epoch_us(happened_at)), max(epoch_us(happened_at))
    from event anti join known using (customer) group by 1 order by 2 desc, 1
"""
TRACED = timedelta(days=34)
"""How far back events are traced, by their ingest (R28)."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A stored event and the versions of it that were refused (R28, G11)."""

    event: UsageEvent
    sequence: int
    ingested_at: datetime
    others: tuple[tuple[UsageEvent, datetime], ...] = ()
    """With the instant each was sent."""


def found_rows(
    rows: Iterable[Sequence[Any]], quarantined: Iterable[tuple[int, UsageEvent, datetime]]
) -> tuple[Found, ...]:
    """Rows of SEARCH with the other versions of each event, by sequence."""
    others: dict[int, list[tuple[UsageEvent, datetime]]] = {}
    for sequence, other, sent_at in quarantined:
        others.setdefault(sequence, []).append((other, sent_at))
    return tuple(
        Found(
            event=UsageEvent(
                transaction_id=row[2],
                customer_id=row[3],
                event_type=row[4],
                timestamp=_instant(row[5]),
                properties=msgspec.json.decode(row[6], type=dict[str, str]),
            ),
            sequence=row[0],
            ingested_at=_instant(row[1]),
            others=tuple(others.get(row[0], ())),
        )
        for row in rows
    )


def traced(
    found: Iterable[Found], repeats: Mapping[int, tuple[int, datetime]]
) -> tuple[Traced, ...]:
    """Each stored event, then the same again, then other versions under its id."""
    rows: list[Traced] = []
    for one in found:
        rows.append(Traced(event=one.event, processed_at=one.ingested_at))
        if one.sequence in repeats:
            times, at = repeats[one.sequence]
            again = Traced(event=one.event, processed_at=at, is_duplicate=True, times=times)
            rows.append(again)
        rows += [Traced(event=o, processed_at=at, is_duplicate=True) for o, at in one.others]
    return tuple(rows)


def senders(rows: Iterable[Sequence[Any]]) -> tuple[Sender, ...]:
    """Rows of UNMATCHED."""
    return tuple(
        Sender(customer=name, events=events, first_at=_instant(first), last_at=_instant(last))
        for name, events, first, last in rows
    )


def _instant(microseconds: int) -> datetime:
    return EPOCH + microseconds * MICROSECOND
