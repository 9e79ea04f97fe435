"""A body as it arrives, part by part, for routes that take more than fits into memory."""

import asyncio
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager

import anyio.from_thread
from starlette.requests import Request

from closedwon.api.answers import TooLarge, TooSlow, WrongMedia
from closedwon.kernel.errors import Refused, RetryLater

STREAM_BYTES_MAX = 1024 * 1024 * 1024
"""Of one request, also once unpacked."""
STREAM_SECONDS_MAX = 3600.0
IDLE_SECONDS_MAX = 30.0
"""How long a sender may be silent."""
STREAMS_MAX = 8
"""Streams at once; each has a thread for as long as it takes."""
PART_BYTES_MAX = 64 * 1024
GZIP = 31
"""What zlib calls the format with its header and checksum."""


class Streams:
    """Bodies under way."""

    def __init__(self, ticks: Callable[[], float], most: int = STREAMS_MAX) -> None:
        self._ticks = ticks
        self._free = threading.BoundedSemaphore(most)

    @contextmanager
    def parts(self, request: Request, media: str) -> Iterator[Iterator[bytes]]:
        """The parts of a request's body; raises WrongMedia, and RetryLater for too many at once.

        Reading them raises Refused or RetryLater where the body breaks off, TooSlow or TooLarge.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != media:
            raise WrongMedia(f"Content-Type: expected {media}, found {kind or 'none'}")
        coding = request.headers.get("content-encoding", "identity").strip().lower()
        if coding not in {"identity", "gzip"}:
            raise WrongMedia(f"Content-Encoding: expected gzip or none, found {coding}")
        if not self._free.acquire(blocking=False):
            raise RetryLater("too many streams are under way already")
        try:
            arriving = bounded(self._arriving(request))
            yield bounded(unzipped(arriving)) if coding == "gzip" else arriving
        finally:
            self._free.release()

    def _arriving(self, request: Request) -> Iterator[bytes]:
        until = self._ticks() + STREAM_SECONDS_MAX
        more = True
        while more:
            if self._ticks() > until:
                raise TooSlow(f"the body took longer than {STREAM_SECONDS_MAX:g} s")
            try:
                message = anyio.from_thread.run(
                    asyncio.wait_for, request.receive(), IDLE_SECONDS_MAX
                )
            except TimeoutError as error:
                raise TooSlow(f"nothing came for {IDLE_SECONDS_MAX:g} s") from error
            except CancelledError as error:
                raise RetryLater("the server stops") from error
            if message["type"] != "http.request":
                raise RetryLater("the sender went away")
            more = message.get("more_body", False)
            yield message.get("body", b"")


def bounded(parts: Iterable[bytes], most: int = STREAM_BYTES_MAX) -> Iterator[bytes]:
    """The parts, up to ``most`` bytes; raises TooLarge for more."""
    left = most
    for part in parts:
        left -= len(part)
        if left < 0:
            raise TooLarge(f"a stream has at most {most} bytes")
        yield part


def unzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """What was packed with gzip, one file or several in a row, a little at a time."""
    unpacking = zlib.decompressobj(GZIP)
    is_inside = False
    for packed in parts:
        rest = packed
        while rest:
            is_inside = True
            try:
                part = unpacking.decompress(rest, PART_BYTES_MAX)
            except zlib.error as error:
                raise Refused(f"the body is not gzip: {error}") from error
            if part:
                yield part
            rest = unpacking.unconsumed_tail
            if unpacking.eof:
                rest = unpacking.unused_data
                unpacking = zlib.decompressobj(GZIP)
                is_inside = False
    if is_inside:
        raise Refused("the gzip stream breaks off before its end")
