import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_benchmarks_of_usage_run_small_and_their_sides_agree(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "ingest",
        "metering",
        "--small",
        "--out",
        str(out),
    ]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    found = json.loads(out.read_text())["benchmarks"]
    assert found["ingest"]["equal"]
    assert found["metering"]["equal"]
    assert found["ingest"]["ratio"] > 0
    assert found["ingest"]["ours"]["peak_mib"] > 0


def test_an_unknown_benchmark_is_named_with_the_known_ones() -> None:
    command = [sys.executable, "-m", "benchmarks", "ingset"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "'ingset'; one of: ingest" in done.stderr
