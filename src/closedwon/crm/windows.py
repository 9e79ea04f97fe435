"""Which stretch of SystemModstamp to read next, so that no row is ever stepped over (G3).

A stamp is taken during a transaction, the row becomes visible when it commits. Reading
``[watermark - overlap, server_now - settle)`` and remembering what was read finds every row that
became visible within ``overlap + settle`` of its stamp; later ones are the sweep's (finding 2).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.instant import Interval, wire_instant
from closedwon.ports import ChangedRow

OVERLAP = timedelta(minutes=10)
SETTLE = timedelta(seconds=60)


def next_window(
    watermark: datetime,
    server_now: datetime,
    overlap: timedelta = OVERLAP,
    settle: timedelta = SETTLE,
) -> Interval:
    """Window to read now; its end is the next watermark once its rows are stored.

    Half-open, whole seconds. ``server_now`` is the CRM's clock, never ours. When that clock was set
    back a little the window is clamped (F037); a watermark further ahead than ``overlap`` comes
    from a wrong backup and raises InvariantBroken (F038).
    """
    if watermark > server_now + overlap:
        raise InvariantBroken(
            "the watermark is ahead of the CRM's clock",
            watermark=wire_instant(watermark),
            server_now=wire_instant(server_now),
        )
    until = (server_now - settle).replace(microsecond=0)
    since = (min(watermark, until) - overlap).replace(microsecond=0)
    return Interval(since, until)


def halves(window: Interval) -> tuple[Interval, ...]:
    """The window cut in two at a whole second; itself when it is one second or open."""
    if window.end is None or window.end - window.start <= timedelta(seconds=1):
        return (window,)
    seconds = (window.end - window.start) // timedelta(seconds=2)
    return window.cut([window.start + timedelta(seconds=seconds)])


def unseen(rows: Iterable[ChangedRow], seen: Mapping[str, datetime]) -> Iterator[ChangedRow]:
    """Rows not read before in this state; ``seen`` maps row id to the stamp last read."""
    return (row for row in rows if seen.get(row.id) != row.modstamp)


def remembered(
    seen: Mapping[str, datetime], rows: Iterable[ChangedRow], window: Interval
) -> dict[str, datetime]:
    """``seen`` for the next cycle: this window's rows, without those the next cannot meet."""
    kept = {**seen, **{row.id: row.modstamp for row in rows}}
    return {id_: stamp for id_, stamp in kept.items() if stamp >= window.start}
