"""JSON lines as a stream: any cut into parts gives the same lines, and bad ones stop nobody."""

import itertools
import json
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from closedwon.usage import UsageLog
from closedwon.usage.lines import (
    CHUNK_BYTES,
    LINE_BYTES_MAX,
    MESSAGE_CHARS_MAX,
    ingest_stream,
    numbered_lines,
    read_lines,
)
from closedwon.usage.types import Rejection
from usage.build import START, after

NOW = after(days=20)


def a_line(name: str, **fields: str) -> bytes:
    stamp = START.isoformat()
    event = {"transaction_id": name, "customer_id": "acme", "event_type": "call"}
    return json.dumps({**event, "timestamp": stamp, **fields}).encode()


@given(
    text=st.lists(st.sampled_from([b"\n", b"\r\n", b"x", b" ", b"yz"]), max_size=20).map(b"".join),
    cuts=st.lists(st.integers(0, 30), max_size=6),
)
def test_lines_do_not_depend_on_how_the_stream_is_cut(text: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    parts = [text[start:end] for start, end in itertools.pairwise(edges)]
    lines = enumerate(text.split(b"\n"), start=1)
    assert list(numbered_lines(parts)) == [(at, line) for at, line in lines if line.strip()]


def test_a_long_line_is_told_once_and_nothing_of_it_is_kept() -> None:
    parts = [b"a\n", *[b"x" * 65_536] * 40, b"y\nb\n", b"z" * (LINE_BYTES_MAX + 1)]
    assert list(numbered_lines(parts)) == [(1, b"a"), (2, None), (3, b"b"), (4, None)]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert list(numbered_lines([b"\xef\xbb", b"\xbfa\nb"])) == [(1, b"a"), (2, b"b")]


def test_bad_lines_are_named_and_the_others_stored(log: UsageLog) -> None:
    lines = [
        a_line("1"),
        b"{",
        b"",
        b"[1]",
        a_line("2") + b"\r",
        b'{"transaction_id": "\xff"}',
        a_line("1", event_type="other"),
        a_line("3", timestamp="2020-01-01T00:00:00Z"),
        b'{"transaction_id":"\x00"}',
        a_line("4", other="1"),
        a_line("2"),
    ]
    (report,) = ingest_stream(log.ingest, read_lines([b"\n".join(lines)]), NOW)
    told = {one.place: (one.code, one.message) for one in report.rejected}
    assert set(told) == {"2", "4", "6", "8", "9", "10"}
    assert told["4"] == ("usage_unreadable", "expected a JSON object")
    assert told["6"] == ("usage_unreadable", "not UTF-8 text")
    assert told["8"][0] == "usage_invalid"
    assert "R18" in told["8"][1]
    assert "unknown field 'other'" in told["10"][1]
    assert [(one.place, one.code) for one in report.contradicted] == [("7", "usage_conflict")]
    assert (report.accepted, report.duplicates) == (2, 1)


def test_why_a_line_is_refused_is_short_however_long_the_line(log: UsageLog) -> None:
    """Ten thousand of them are in memory at once."""
    name = "x" * (LINE_BYTES_MAX // 2)
    twice = b'{"%s":1,"%s":1}' % (2 * (name.encode()[1000:],))
    lines = [a_line("1", **{name: "1"}), twice]
    (report,) = ingest_stream(log.ingest, read_lines([b"\n".join(lines)]), NOW)

    assert len(report.rejected) == 2
    assert [len(one.message) for one in report.rejected] == [MESSAGE_CHARS_MAX] * 2


def test_what_becomes_durable_together_is_bounded_in_bytes(log: UsageLog) -> None:
    size = 500_000
    sizes: list[int] = []

    def parts() -> Iterator[bytes]:
        for at in range(2 * CHUNK_BYTES // size + 2):
            sizes.append(at)
            yield a_line(str(at), event_type="x" * size) + b"\n"

    reports = list(ingest_stream(log.ingest, read_lines(parts()), NOW))
    assert len(reports) == 3
    assert sum(report.accepted for report in reports) == len(sizes)
    assert not any(isinstance(one, Rejection) for report in reports for one in report.rejected)
