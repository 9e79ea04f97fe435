"""Sealing: a crash between any two steps loses nothing and doubles nothing (G1, G21)."""

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from closedwon.kernel.errors import InvariantBroken
from closedwon.store.database import open_database
from closedwon.usage import UsageLog, open_usage
from usage.build import END, START, a_demand, a_metric, after, an_event

NOW = after(days=33)
EVENTS = [an_event(str(at), after(days=at), n="1", name=str(at)) for at in range(5, 34)]
BOTH = a_demand(a_metric("SUM"), cuts=[START, END, after(days=62)], group=["name"])


class PowerCut(Exception):
    """The process dies here."""


def unsealed(directory: Path) -> UsageLog:
    log = open_usage(directory, metrics_retroactive=True)
    log.ingest(EVENTS[:20], NOW)
    log.ingest(EVENTS[20:], NOW)
    return log


def check_whole(log: UsageLog) -> None:
    """Every event is there once, and known as a duplicate."""
    assert log.senders() == {"acme": len(EVENTS)}
    readings = log.measure([BOTH])["d"]
    assert [(one.group[0], one.value) for one in readings] == [
        (at, 1) for at in sorted(str(at) for at in range(5, 34))
    ]
    assert log.ingest(EVENTS, NOW).duplicates == len(EVENTS)


def steps_of_a_seal(directory: Path, monkeypatch: pytest.MonkeyPatch, cut_at: int | None) -> int:
    """Count the calls that reach the disk or the log during a seal; die before number ``cut_at``."""
    log = unsealed(directory)
    count = 0

    def counting(call):  # noqa: ANN001, ANN202
        def counted(*arguments, **named):  # noqa: ANN002, ANN003, ANN202
            nonlocal count
            if count == cut_at:
                raise PowerCut
            count += 1
            return call(*arguments, **named)

        return counted

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counting(os.fsync))
        patch.setattr(Path, "replace", counting(Path.replace))
        patch.setattr(Path, "mkdir", counting(Path.mkdir))
        patch.setattr(pq, "write_table", counting(pq.write_table))
        for name in ("mark_sealed", "segments"):
            patch.setattr(f"closedwon.usage.hot.{name}", counting(getattr(log_module(), name)))
        if cut_at is None:
            log.seal(NOW, events_min=1)
        else:
            with pytest.raises(PowerCut):
                log.seal(NOW, events_min=1)
    if cut_at is None:
        log.close()
    else:
        check_whole(log)  # The survivor sees a whole store too.
        log.close()
    return count


def log_module():  # noqa: ANN201
    from closedwon.usage import hot

    return hot


def test_a_seal_cut_at_any_step_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = steps_of_a_seal(tmp_path / "whole", monkeypatch, None)
    assert steps >= 14
    for cut_at in range(steps):
        directory = tmp_path / str(cut_at)
        steps_of_a_seal(directory, monkeypatch, cut_at)
        log = open_usage(directory, metrics_retroactive=True)
        check_whole(log)
        report = log.seal(NOW, events_min=1)
        assert report.events == len(EVENTS)
        check_whole(log)
        files = {
            path.relative_to(directory / "segments").as_posix()
            for path in directory.rglob("*.*")
            if path.is_file() and path.parent.parent.name == "segments"
        }
        assert files == {segment.name for segment in log.snapshot().segments}
        log.close()


def test_a_seal_undone_by_its_transaction_leaves_the_log_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after the rows are moved and before the commit."""
    from closedwon.usage import hot

    def mark_and_die(*arguments, **named):  # noqa: ANN002, ANN003, ANN202
        original(*arguments, **named)
        raise PowerCut

    original = hot.mark_sealed
    log = unsealed(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(hot, "mark_sealed", mark_and_die)
        with pytest.raises(PowerCut):
            log.seal(NOW, events_min=1)
    check_whole(log)
    assert log.seal(NOW, events_min=1).swept
    check_whole(log)
    log.close()


def test_segments_are_by_month_and_range_and_any_engine_reads_them(log: UsageLog) -> None:
    log.ingest(EVENTS, NOW)
    report = log.seal(NOW, events_min=1)
    assert (report.events, report.segments) == (29, 2)
    names = [
        "2024-03/000000000001-000000000029.parquet",
        "2024-04/000000000001-000000000029.parquet",
    ]
    assert [segment.name for segment in log.snapshot().segments] == names
    table = pq.read_table(log.directory / "segments" / names[1], partitioning=None)
    assert table["properties"].to_pylist() == [
        '{"n":"1","name":"31"}',
        '{"n":"1","name":"32"}',
        '{"n":"1","name":"33"}',
    ]


def test_nothing_is_sealed_before_it_is_worth_a_file(log: UsageLog) -> None:
    log.ingest(EVENTS, NOW)
    assert log.seal(NOW).segments == 0
    assert log.seal(NOW, events_min=30).segments == 0
    assert log.seal(NOW, events_min=29).segments == 2
    assert log.seal(NOW, events_min=0).segments == 0


def test_the_log_is_empty_after_a_seal(log: UsageLog) -> None:
    log.ingest(EVENTS, NOW)
    log.seal(NOW, events_min=1)
    db = open_database(log.directory / "usage.sqlite", read_only=True)
    assert db.conn.execute("select count(*) from batch").fetchone() == (0,)
    db.conn.close()
    assert log.ingest([an_event("new")], NOW).accepted == 1
    assert log.latest() == len(EVENTS) + 1


def test_files_of_an_interrupted_seal_of_another_range_are_removed(log: UsageLog) -> None:
    stray = log.directory / "segments" / "2024-03" / "000000000001-000000000007.part"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"half a segment")
    log.ingest(EVENTS, NOW)
    assert log.seal(NOW, events_min=1).swept == (stray.name,)
    assert not stray.exists()
    check_whole(log)


def test_what_is_sealed_leaves_memory_but_for_its_marks(log: UsageLog) -> None:
    log.ingest(EVENTS[:20], NOW)
    log.seal(NOW, events_min=1)
    assert log.snapshot().tail == ()
    log.ingest(EVENTS[20:], NOW)
    assert [batch["sequence"].to_pylist() for batch in log.snapshot().tail] == [list(range(21, 30))]
    log.seal(NOW, events_min=1)
    log.snapshot()
    assert len(log._seen) == len(EVENTS)


def test_a_long_log_is_sealed_in_ranges(log: UsageLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closedwon.usage.seal.RANGE_EVENTS_MAX", 10)
    for at in range(0, 29, 4):
        log.ingest(EVENTS[at : at + 4], NOW)
    log.seal(NOW, events_min=1)
    ranges = {(one.first_sequence, one.last_sequence) for one in log.snapshot().segments}
    assert ranges == {(1, 12), (13, 24), (25, 29)}
    check_whole(log)


@pytest.mark.parametrize("where", [0.01, 0.3, 0.5, 0.9, 0.99])
def test_a_changed_byte_anywhere_in_a_segment_is_noticed(tmp_path: Path, where: float) -> None:
    log = unsealed(tmp_path)
    log.seal(NOW, events_min=1)
    assert log.damaged() == ()
    name = log.snapshot().segments[0].name
    log.close()
    path = tmp_path / "segments" / name
    content = bytearray(path.read_bytes())
    content[int(len(content) * where)] ^= 1
    path.write_bytes(content)
    with pytest.raises(InvariantBroken, match="damaged"):
        open_usage(tmp_path)  # G20
    reader = open_usage(tmp_path, read_only=True)
    assert reader.damaged() == (name,)
    reader.close()


def test_a_missing_segment_is_noticed(tmp_path: Path) -> None:
    log = unsealed(tmp_path)
    log.seal(NOW, events_min=1)
    path = tmp_path / "segments" / log.snapshot().segments[0].name
    log.close()
    reader = open_usage(tmp_path, read_only=True)
    path.unlink()
    with pytest.raises(InvariantBroken, match="cannot be read"):
        reader.senders()
    reader.close()
    with pytest.raises(InvariantBroken, match="missing"):
        open_usage(tmp_path)
