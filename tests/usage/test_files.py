import csv
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from closedwon.kernel.errors import ConfigError
from closedwon.usage import UsageLog
from closedwon.usage.files import Columns, combined, ingest_file, read_events
from closedwon.usage.lines import CHUNK_EVENTS, Sourced
from closedwon.usage.types import Rejection, UsageEvent
from usage.build import START, a_demand, a_metric, after

NOW = after(days=20)
EVENT = UsageEvent(
    transaction_id="t1",
    customer_id="acme",
    event_type="call",
    timestamp=START,
    properties={"n": "1.5", "note": 'ü, "x"'},
)
LINE = {
    "transaction_id": "t1",
    "customer_id": "acme",
    "event_type": "call",
    "timestamp": "2024-03-01T00:00:00Z",
}


def test_json_lines_are_read_and_bad_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    good = json.dumps({**LINE, "properties": {"n": 1.5, "note": 'ü, "x"'}}, ensure_ascii=False)
    flat = json.dumps({**LINE, "n": "1.5", "note": 'ü, "x"'})
    lines = [
        good.encode(),
        b"",
        b"{oops",
        flat.encode(),
        b"\xff",
        b"[1]",
        b'{"transaction_id": "t"}',
    ]
    path.write_bytes(b"\r\n".join(lines))
    found = list(read_events(path))
    assert found[0] == Sourced("usage.jsonl:1", EVENT)
    assert found[2] == Sourced("usage.jsonl:4", EVENT)
    bad = [one for one in found if isinstance(one, Rejection)]
    assert [one.place for one in bad] == [
        "usage.jsonl:3",
        "usage.jsonl:5",
        "usage.jsonl:6",
        "usage.jsonl:7",
    ]
    assert "customer_id" in bad[-1].message


def test_csv_is_read_by_the_columns_named(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "who", "what", "when", "n", "note", "skip"])
        rows.writerow(["t1", "acme", "call", "2024-03-01T00:00:00Z", "1.5", 'ü, "x"', "z"])
        rows.writerow(["t2", "acme", "call", "2024-03-01T00:00:00Z", "", "two\nlines", ""])
        rows.writerow(["t3", "acme", "call"])
        rows.writerow(["t4", "", "call", "2024-03-01T00:00:00Z", "1", "", ""])
        rows.writerow(["t5", "acme", "call", "2024-03-01T00:00:00Z", "1", "", ""])
    columns = Columns(
        transaction_id="id",
        customer_id="who",
        event_type="what",
        timestamp="when",
        properties=("n", "note"),
    )
    found = list(read_events(path, columns))
    assert found[0] == Sourced("usage.csv:2", EVENT)
    assert isinstance(found[1], Sourced)
    assert found[1].event.properties == {"note": "two\nlines"}
    assert [one.place for one in found[2:]] == ["usage.csv:5", "usage.csv:6", "usage.csv:7"]
    assert [type(one) for one in found[2:]] == [Rejection, Rejection, Sourced]


def test_a_quote_that_never_closes_is_one_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    header = "transaction_id,customer_id,event_type,timestamp\n"
    path.write_text(header + 't1,acme,call,2024-03-01T00:00:00Z\nt2,"acme,call\n')
    found = list(read_events(path))
    assert [type(one) for one in found] == [Sourced, Rejection]


def test_parquet_is_read_with_exact_numbers(tmp_path: Path) -> None:
    path = tmp_path / "usage.parquet"
    table = {
        "transaction_id": ["t1", "t2"],
        "customer_id": ["acme", None],
        "event_type": ["call", "call"],
        "timestamp": pa.array([datetime(2024, 3, 1)] * 2, pa.timestamp("ms")),  # noqa: DTZ001
        "n": pa.array([Decimal("1.50"), None], pa.decimal128(38, 2)),
        "note": ['ü, "x"', None],
    }
    pq.write_table(pa.table(table), path)
    found = list(read_events(path))
    assert found[0] == Sourced("usage.parquet:1", EVENT)
    assert isinstance(found[1], Rejection)
    assert found[1].place == "usage.parquet:2"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("usage.txt", b"", "expected .jsonl"),
        ("missing.csv", None, "cannot be read"),
        ("usage.parquet", b"PAR1", "cannot be read"),
        ("usage.csv", b"a,b\n", "no column 'transaction_id'; found a, b"),
        ("usage.csv", b"a,a\n", "twice"),
    ],
)
def test_a_file_of_the_wrong_form_is_refused_as_a_whole(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        list(read_events(tmp_path / name))


def test_a_column_of_binary_floats_is_refused(tmp_path: Path) -> None:
    cells = {name: pa.array(["x"]) for name in LINE}
    pq.write_table(pa.table({**cells, "n": pa.array([0.1])}), tmp_path / "usage.parquet")
    with pytest.raises(ConfigError, match="'n': binary floats are not exact"):
        list(read_events(tmp_path / "usage.parquet"))


def test_a_large_file_is_stored_in_durable_chunks_and_can_be_sent_again(
    tmp_path: Path, log: UsageLog
) -> None:
    path = tmp_path / "usage.jsonl"
    lines = [
        json.dumps({**LINE, "transaction_id": str(at), "n": "1"}) for at in range(CHUNK_EVENTS + 5)
    ]
    lines[3] = "broken"
    lines[7] = json.dumps({**LINE, "transaction_id": "future", "timestamp": "2030-01-01T00:00:00Z"})
    lines[9] = json.dumps(
        {**LINE, "transaction_id": "years old", "timestamp": "2014-01-01T00:00:00Z"}
    )
    path.write_text("\n".join(lines))
    chunks = ingest_file(log, path, NOW)
    first = next(chunks)
    assert (first.accepted, log.latest()) == (CHUNK_EVENTS - 2, CHUNK_EVENTS - 2)
    assert [one.place for one in first.rejected] == ["usage.jsonl:4", "usage.jsonl:8"]
    chunks.close()  # Interrupted here; the whole file is sent again.
    again = combined(ingest_file(log, path, NOW))
    assert (again.accepted, again.duplicates, len(again.rejected)) == (5, CHUNK_EVENTS - 2, 2)
    assert log.total(a_demand(a_metric("SUM"))) == CHUNK_EVENTS + 2
