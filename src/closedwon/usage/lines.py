"""Events as JSON lines, from files and from the wire: read as a stream, stored chunk by chunk.

A bad line becomes a Rejection with its place and never stops the others. Memory is bounded by the
longest line and by what becomes durable together, however long the stream is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused
from closedwon.usage.quick import plain_event
from closedwon.usage.types import IngestReport, Rejection, UsageEvent
from closedwon.usage.validate import event_of

CHUNK_EVENTS = 10_000
"""Events that become durable together."""
CHUNK_BYTES = 8 * 1024 * 1024
"""Or as many as stand in so many bytes, where they are long."""
LINE_BYTES_MAX = 1_000_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MESSAGE_CHARS_MAX = 300
"""Why a line is refused may quote it; so much of that is kept."""
UNREADABLE = "usage_unreadable"

NumberedLine = tuple[int, bytes | None]
"""Line number from 1, and the line without its end; None for one that is too long."""


class Sourced(msgspec.Struct, frozen=True, gc=False):
    """An event, where it stands (``file:line``), and how many bytes it was written with."""

    place: str
    event: UsageEvent
    size: int = 0


Store = Callable[[Sequence[UsageEvent], datetime], IngestReport]
"""Stores a batch durably."""


def numbered_lines(parts: Iterable[bytes]) -> Iterator[NumberedLine]:
    """The lines of a stream that comes in parts, blank ones left out but counted.

    The last line may lack its end. Of a line that is too long nothing is kept.
    """
    number, rest, is_cut = 0, b"", False
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            number += 1
            yield from _told(number, line, is_cut=is_cut)
            is_cut = False
        if len(rest) > LINE_BYTES_MAX:
            rest, is_cut = b"", True
    yield from _told(number + 1, rest, is_cut=is_cut)


def _told(number: int, line: bytes, *, is_cut: bool) -> Iterator[NumberedLine]:
    if number == 1:
        line = line.removeprefix(BYTE_ORDER_MARK)
    if is_cut or len(line) > LINE_BYTES_MAX:
        yield number, None
    elif line.strip():
        yield number, line


def cells_of(line: bytes | None) -> dict[str, Any]:
    """The JSON object of a line; raises Refused."""
    if line is None:
        raise Refused(f"longer than {LINE_BYTES_MAX} bytes")
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8 text") from error
    cells = strict_json.loads(line)
    if not isinstance(cells, dict):
        raise Refused("expected a JSON object")
    return cells


def read_lines(parts: Iterable[bytes]) -> Iterator[Sourced | Rejection]:
    """Events of a stream of JSON lines in order, with the fields of the wire (R16)."""
    for number, line in numbered_lines(parts):
        place = str(number)
        try:
            event = None if line is None else plain_event(line)
            if event is None:
                event = event_of(cells_of(line))
        except Refused as error:
            yield unreadable(place, error)
        else:
            yield Sourced(place, event, len(line or b""))


def unreadable(place: str, error: Refused) -> Rejection:
    """Why a line is none; short, for there may be many and each as long as its line."""
    return Rejection(place=place, code=UNREADABLE, message=error.message[:MESSAGE_CHARS_MAX])


def ingest_stream(
    store: Store, found: Iterable[Sourced | Rejection], now: datetime
) -> Iterator[IngestReport]:
    """Store what a stream holds; one report per durable chunk, places as in the stream."""
    for chunk in _chunks(found):
        sourced = [one for one in chunk if isinstance(one, Sourced)]
        unread = tuple(one for one in chunk if isinstance(one, Rejection))
        report = store([one.event for one in sourced], now)
        yield msgspec.structs.replace(
            report,
            contradicted=_placed(report.contradicted, sourced),
            rejected=unread + _placed(report.rejected, sourced),
        )


def _chunks(found: Iterable[Sourced | Rejection]) -> Iterator[list[Sourced | Rejection]]:
    chunk: list[Sourced | Rejection] = []
    size = 0
    for one in found:
        chunk.append(one)
        size += one.size if isinstance(one, Sourced) else 0
        if len(chunk) >= CHUNK_EVENTS or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _placed(found: Iterable[Rejection], sourced: Sequence[Sourced]) -> tuple[Rejection, ...]:
    return tuple(msgspec.structs.replace(one, place=sourced[int(one.place)].place) for one in found)
