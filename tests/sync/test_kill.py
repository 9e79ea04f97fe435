"""Killing the process anywhere never makes a second customer, contract or Meter row (G1, G4)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CUT = 77


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """The life nobody cut, then one per cut."""
    done = subprocess.run(
        [sys.executable, TESTS / "sync" / "cut_everywhere.py", tmp_path_factory.mktemp("lives")],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        check=True,
        text=True,
        timeout=100,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_apply_and_push_are_cut_at_every_commit_and_call(lives: list[dict[str, object]]) -> None:
    whole, *cut = lives
    points = whole["passed"]
    assert isinstance(points, list)

    assert points.count("before a commit") >= 12
    assert points.count("after a call") == points.count("before a call") == 5
    assert [life["codes"] for life in cut] == [[CUT, 0]] * len(points)


@pytest.mark.parametrize("what", ["customers", "edits", "rows", "counts", "waiting", "billed"])
def test_every_cut_life_ends_like_the_whole_one(lives: list[dict[str, object]], what: str) -> None:
    whole, *cut = lives

    assert {json.dumps(life[what]) for life in cut} == {json.dumps(whole[what])}


def test_the_run_after_a_repair_writes_nothing(lives: list[dict[str, object]]) -> None:
    assert all(life["quiet"] for life in lives)
    assert lives[0]["customers"] == 1
    assert lives[0]["edits"] == 2
