"""The billed year: its three sides agree, and its page says what was measured."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.year_page import page  # noqa: E402 - benchmarks stand beside src


def test_the_billed_year_runs_small_and_its_sides_agree(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks", "year", "--small", "--out", str(out)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    found = json.loads(out.read_text())["benchmarks"]["year"]

    assert found["equal"]
    assert found["ours"]["invoices"] == found["customers"] * 12
    assert 0 < found["ours"]["exhausted"] < found["customers"]

    row = {"varied": "cuts", "customers": 50, "products": 8, "events": 20_000, "cuts": 1}
    text = page({**found, "growth": [{**found["ours"], **row}]})
    assert f"`{found['ours']['checksum']}`" in text
    assert f"| {found['ratio']} x | at most 1.5 x |" in text
    assert "| **cuts** | 50 | 8 | 20,000 | **1** |" in text
