"""``python -m tests.oracle --histories 5000`` says how many histories both sides agreed on."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from oracle.play import play


def main() -> int:
    parser = argparse.ArgumentParser(description="Play random histories to engine and oracle.")
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--steps", type=int, default=12, help="most changes in a history")
    asked = parser.parse_args()
    agreed = bills = 0
    for seed in range(asked.first, asked.first + asked.histories):
        played = play(seed, asked.steps)
        bills += played.bills
        if not played.differences:
            agreed += 1
            continue
        print(f"seed {seed} disagrees:", *played.differences, sep="\n  ")  # noqa: T201
    print(f"{agreed} of {asked.histories} histories agreed, {bills} invoices compared")  # noqa: T201
    return 0 if agreed == asked.histories else 1


if __name__ == "__main__":
    raise SystemExit(main())
