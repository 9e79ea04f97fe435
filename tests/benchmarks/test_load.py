"""The load run: skipped in words without wrk; its part of the page says what was measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.__main__ import _write_part  # noqa: E402 - benchmarks stand beside src
from benchmarks.load import KINDS  # noqa: E402
from benchmarks.load_page import READS, WRITES, page  # noqa: E402

ONE = {
    "per_second": 1234.5,
    "p50_ms": 2.5,
    "p99_ms": 9.5,
    "bare_per_second": 2000.0,
    "bare_p50_ms": 1.5,
    "bare_p99_ms": 3.5,
    "rate": 0.617,
    "p50": 1.7,
    "p99": 2.7,
}
ABOUT = {
    "events": 10_000_000,
    "customers": 10_000,
    "connections": 32,
    "few_connections": 4,
    "cores": 2,
    "ingested": 500_000,
    "resident_mib_at_start": 700,
    "resident_mib_at_end": 900,
}


def test_without_wrk_it_says_how_to_get_it_and_measures_nothing(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks", "load", "--out", str(out)]
    environment = {**os.environ, "PATH": str(tmp_path)}
    page_before = (ROOT / "docs" / "performance.md").read_bytes()
    done = subprocess.run(
        command, check=True, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert "apt-get install wrk" in done.stdout
    assert "apt-get install wrk" in json.loads(out.read_text())["benchmarks"]["load"]["skipped"]
    assert (ROOT / "docs" / "performance.md").read_bytes() == page_before


def test_the_page_has_a_row_for_every_kind_of_request() -> None:
    assert {kind.name for kind in KINDS} == {*WRITES, *READS}
    writes = {name: {**ONE, "events_per_second": 98_765, "events_to_bare": 49.4} for name in WRITES}
    text = page({**ABOUT, **dict.fromkeys(READS, ONE), **writes})
    assert "700 MiB before the first request, 900 MiB after 500,000 more events" in text
    for told in WRITES.values():
        assert f"| {told} | 49.4 x | 1.7 x | 2.7 x |" in text
        assert f"| {told} | 1,234.5 | 98,765 | 2.5 ms | 9.5 ms | 2,000.0 | 1.5 ms |" in text
    assert text.count("| 0.617 x | 1.7 x | 2.7 x |") == len(READS)


def test_a_benchmark_writes_its_own_part_of_a_page(tmp_path: Path) -> None:
    shown = tmp_path / "page.md"
    _write_part(shown, "load", "# Load\n\nfirst\n")
    _write_part(shown, "year", "# Year\n\ntext\n")
    _write_part(shown, "load", "# Load\n\nsecond\n")
    assert shown.read_text() == (
        "<!-- year -->\n# Year\n\ntext\n\n<!-- load -->\n# Load\n\nsecond\n"
    )
