"""Ingest: what is new, repeated, contradicted or out of bounds; and who may look."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from closedwon.kernel.errors import InvariantBroken, NotFound, Refused
from closedwon.usage import UsageLog, open_usage
from closedwon.usage.types import IngestReport, UsageEvent
from usage.build import a_demand, a_metric, after, an_event

NOW = after(days=20)
DAY = timedelta(days=1)


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.accepted, report.duplicates, report.conflicts, len(report.rejected)


def test_the_same_event_counts_once_however_often_and_late_it_comes(log: UsageLog) -> None:
    event = an_event("t1", n="5")
    assert counts(log.ingest([event, event], NOW)) == (1, 1, 0, 0)
    for days in (1, 34, 400):
        report = log.ingest([event] * 3, NOW + days * DAY, any_age=True)
        assert counts(report) == (0, 3, 0, 0)
    assert log.total(a_demand(a_metric())) == 5  # G11, S30


@pytest.mark.parametrize("seals", [0, 1])
def test_another_event_under_a_known_id_is_kept_aside_and_never_replaces(
    log: UsageLog, seals: int
) -> None:
    first, second = an_event("t1", n="5"), an_event("t1", n="9")
    log.ingest([first], NOW)
    if seals:
        log.seal(NOW, events_min=1)
    assert counts(log.ingest([second, second], NOW + DAY)) == (0, 0, 2, 0)
    assert log.quarantined() == [(1, second, NOW + DAY)]
    assert log.search(["t1"])[0].event == first
    assert log.total(a_demand(a_metric())) == 5


def test_a_batch_that_contradicts_itself_keeps_its_first_version(log: UsageLog) -> None:
    batch = [an_event("a"), an_event("t", n="1"), an_event("t", n="2"), an_event("t", n="1")]
    assert counts(log.ingest(batch, NOW)) == (2, 1, 1, 0)
    assert log.quarantined() == [(2, batch[2], NOW)]


@pytest.mark.parametrize(
    "other",
    [
        an_event("t", customer="other", n="1"),
        an_event("t", kind="other", n="1"),
        an_event("t", after(microseconds=1), n="1"),
        an_event("t", n="1.0"),
        an_event("t", n="1", m="2"),
        an_event("t"),
    ],
)
def test_every_part_of_an_event_is_compared(log: UsageLog, other: UsageEvent) -> None:
    log.ingest([an_event("t", n="1")], NOW)
    assert counts(log.ingest([other], NOW)) == (0, 0, 1, 0)


def test_ids_whose_hashes_collide_are_told_apart(
    log: UsageLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("closedwon.usage.log.id_hashes", lambda ids: ONE_HASH(len(ids)))
    assert counts(log.ingest([an_event(str(at)) for at in range(5)], NOW)) == (5, 0, 0, 0)
    log.seal(NOW, events_min=1)
    again = [an_event(str(at)) for at in range(3, 8)]
    assert counts(log.ingest(again, NOW)) == (3, 2, 0, 0)
    assert log.latest() == 8


def ONE_HASH(count: int):  # noqa: ANN201, N802
    import numpy as np

    return np.full(count, 7, dtype=np.int64)


def test_an_event_out_of_bounds_is_rejected_alone(log: UsageLog) -> None:
    batch = [
        an_event("ok"),
        an_event("old", NOW - timedelta(days=34, microseconds=1)),
        an_event("oldest", NOW - timedelta(days=34)),
        an_event("newest", NOW + DAY),
        an_event("future", NOW + DAY + timedelta(microseconds=1)),
        an_event("x" * 129),
        an_event(""),
        an_event("naive", datetime(2024, 3, 2)),  # noqa: DTZ001
        an_event("half", n="\ud800"),
        an_event("nul", n="\x00"),
    ]
    report = log.ingest(batch, NOW)
    assert counts(report) == (3, 0, 0, 7)
    assert [one.place for one in report.rejected] == ["1", "4", "5", "6", "7", "8", "9"]
    assert log.latest() == 3


def test_backfill_may_send_events_of_any_age_but_not_of_the_future(log: UsageLog) -> None:
    batch = [an_event("a", NOW - 4000 * DAY), an_event("b", NOW + 2 * DAY)]
    assert counts(log.ingest(batch, NOW, any_age=True)) == (1, 0, 0, 1)


def test_the_sequence_grows_with_every_accepted_batch_only(log: UsageLog) -> None:
    assert log.latest() == 0
    log.ingest([an_event("a"), an_event("b")], NOW)
    assert log.latest() == 2
    log.ingest([an_event("a")], NOW)
    assert log.latest() == 2


def test_senders_show_whom_nobody_resolves(log: UsageLog) -> None:
    log.ingest([an_event(str(at), customer="acme" if at else "ghost") for at in range(3)], NOW)
    assert log.senders() == {"acme": 2, "ghost": 1}  # R21


def test_search_finds_events_and_their_other_versions(log: UsageLog) -> None:
    log.ingest([an_event("a", n="1"), an_event("b")], NOW)
    log.seal(NOW, events_min=1)
    log.ingest([an_event("c"), an_event("a", n="2")], NOW + DAY)
    found = log.search(["c", "a", "missing"])
    assert [(one.event.transaction_id, one.sequence, one.ingested_at) for one in found] == [
        ("a", 1, NOW),
        ("c", 3, NOW + DAY),
    ]
    assert [len(one.others) for one in found] == [1, 0]


def test_a_store_remembers_after_it_was_closed(tmp_path: Path) -> None:
    for expected in ((2, 0, 0, 0), (0, 2, 0, 0)):
        log = open_usage(tmp_path, metrics_retroactive=True)
        assert counts(log.ingest([an_event("a"), an_event("b")], NOW)) == expected
        assert log.total(a_demand(a_metric("COUNT"))) == 2
        log.close()


def test_a_reader_needs_a_store(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_usage(tmp_path, read_only=True)


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    open_usage(tmp_path).close()
    log = open_usage(tmp_path, read_only=True)
    with pytest.raises(Refused):
        log.ingest([an_event("a")], NOW)
    with pytest.raises(Refused):
        log.seal(NOW)
    assert log.latest() == 0
    log.close()


def test_a_damaged_batch_is_noticed(tmp_path: Path) -> None:
    import sqlite3

    open_usage(tmp_path).ingest([an_event("a")], NOW)
    with sqlite3.connect(tmp_path / "usage.sqlite") as db:
        db.execute("update batch set payload = cast(substr(payload, 1, 80) || x'00' as blob)")
    db.close()
    with pytest.raises(InvariantBroken):
        open_usage(tmp_path)


def test_two_writers_of_one_store_see_each_others_events(tmp_path: Path) -> None:
    one, other = (open_usage(tmp_path, metrics_retroactive=True) for _ in range(2))
    one.ingest([an_event("a"), an_event("b")], NOW)
    assert counts(other.ingest([an_event("b"), an_event("c")], NOW)) == (1, 1, 0, 0)
    other.seal(NOW, events_min=1)
    assert counts(one.ingest([an_event("c"), an_event("d")], NOW)) == (1, 1, 0, 0)
    for log in (one, other):
        assert log.total(a_demand(a_metric("COUNT"))) == 4
        log.close()


def test_threads_share_a_store_and_an_event_still_counts_once(log: UsageLog) -> None:
    """F138: the same events from many threads at once."""
    batch = [an_event(str(at)) for at in range(20)]
    reports: list[IngestReport] = []
    threads = [
        threading.Thread(target=lambda: reports.append(log.ingest(batch, NOW))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report.accepted for report in reports) == 20
    assert sum(report.duplicates for report in reports) == 7 * 20
    assert log.total(a_demand(a_metric("COUNT"))) == 20


READER = """
import sys
from closedwon.usage import open_usage
log = open_usage(sys.argv[1], read_only=True)
for _ in sys.stdin:
    print(log.latest(), log.senders(), flush=True)
"""


def test_another_process_reads_while_this_one_writes_and_seals(tmp_path: Path) -> None:
    log = open_usage(tmp_path)
    log.ingest([an_event("a")], NOW)
    command = [sys.executable, "-c", READER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None

        def seen() -> str:
            reader.stdin.write("\n")
            reader.stdin.flush()
            return reader.stdout.readline().strip()

        assert seen() == "1 {'acme': 1}"
        log.ingest([an_event("b")], NOW)
        assert seen() == "2 {'acme': 2}"
        log.seal(NOW, events_min=1)
        assert seen() == "2 {'acme': 2}"
        log.ingest([an_event("c", customer="other")], NOW)
        assert seen() == "3 {'acme': 2, 'other': 1}"
        reader.stdin.close()
    log.close()


SENT = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), max_size=30)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=SENT, sizes=st.lists(st.integers(1, 7), min_size=1), sealed_at=st.integers(0, 4))
def test_the_first_version_of_every_id_stays_however_events_are_batched(
    tmp_path_factory: pytest.TempPathFactory,
    sent: Sequence[tuple[int, int]],
    sizes: list[int],
    sealed_at: int,
) -> None:
    log = open_usage(tmp_path_factory.mktemp("usage"))
    events = [an_event(str(name), n=str(version)) for name, version in sent]
    firsts: dict[str, UsageEvent] = {}
    for event in events:
        firsts.setdefault(event.transaction_id, event)
    reports, at = [], 0
    for step in range(len(events)):
        size = sizes[step % len(sizes)]
        reports.append(log.ingest(events[at : at + size], NOW))
        at += size
        if step == sealed_at:
            log.seal(NOW, events_min=1)
    found = {one.event.transaction_id: one.event for one in log.search(list(firsts))}
    assert found == firsts
    assert sum(sum(counts(report)) for report in reports) == len(events)
    assert sum(report.conflicts for report in reports) == sum(
        event != firsts[event.transaction_id] for event in events
    )
    log.close()
