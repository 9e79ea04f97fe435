"""Engine and brute force agree on every invoice and balance of thousands of random histories.

``CLOSEDWON_HISTORIES=5000 pytest tests/oracle`` plays that many; ``python -m tests.oracle`` does the
same and prints what it found.
"""

import os
from pathlib import Path

import pytest

from oracle.play import play
from oracle.play_stored import play_stored

BATCH = 50
STORED = 10
HISTORIES = int(os.environ.get("CLOSEDWON_HISTORIES", "200"))


@pytest.mark.parametrize("first", range(0, HISTORIES, BATCH))
def test_r12_r14_r131_r177_engine_and_brute_force_agree_on_seeded_histories(first: int) -> None:
    for seed in range(first, min(first + BATCH, HISTORIES)):
        assert play(seed).differences == [], f"seed {seed}"


@pytest.mark.parametrize("seed", range(100, 104))
def test_r33_r36_usage_in_the_real_log_bills_the_same(seed: int, tmp_path: Path) -> None:
    assert play_stored(seed, tmp_path, on_log=True).taken


def test_histories_reach_what_they_are_for() -> None:
    """A generator that stops making rollovers, true-ups or overlaps would agree on nothing."""
    seen: set[str] = set()
    for seed in range(40):
        seen |= play(seed).seen

    assert seen >= {
        "usage",
        "scheduled",
        "trueup",
        "drawn",
        "expired",
        "rolled",
        "trued_up",
        "adjusted",
        "negative",
        "child",
        "consolidated",
        "conversion",
        "composite",
        "seats",
        "two payers",
    }


def test_g7_g8_g9_g10_the_stored_engine_agrees_and_keeps_its_laws(tmp_path: Path) -> None:
    taken = refused = 0
    for seed in range(STORED):
        played = play_stored(seed, tmp_path)
        taken, refused = taken + played.taken, refused + played.refused

    assert taken > 5 * refused
