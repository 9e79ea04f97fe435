"""Kill the line at every commit and every call, run it again, and tell what came of it (G1, G4).

Run as a program: ``cut_everywhere.py DIRECTORY`` prints one JSON line per cut. The CRM lives in
this process; the line runs in a forked child that ends with ``os._exit`` at the chosen point, so
nothing is flushed, rolled back or closed. The CRM is reached over pipes and survives.
"""

import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from closedwon.sync.line import settle
from closedwon.testing.crm import FakeCrm
from sync.line_kit import START, World, a_crm, win

CUT = 77
STEPS_CUT = ("apply", "finalize", "figures", "push")


class RemoteCrm:
    """The CRM of the parent process; ``reached`` is told before and after each write."""

    def __init__(self, send: int, receive: int, reached: Callable[[str], None]) -> None:
        self._send, self._receive = os.fdopen(send, "wb"), os.fdopen(receive, "rb")
        self._reached = reached

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> Any:
            if name == "upsert":
                self._reached("before a call")
            pickle.dump((name, args), self._send)
            self._send.flush()
            answer = pickle.load(self._receive)  # noqa: S301 our own parent
            if name == "upsert":
                self._reached("after a call")
            return answer

        return call


class Cutter:
    """Counts the points passed and ends the process at the chosen one."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.passed: list[str] = []
        self.armed = False

    def reached(self, point: str) -> None:
        """Pass a point, or die there."""
        if self.armed:
            self.passed.append(point)
            if len(self.passed) == self.at:
                os._exit(CUT)

    def statement(self, sql: str) -> None:
        """SQLite's trace: told before each statement."""
        if self.passed and self.passed[-1] == "before a commit":
            self.reached("after a commit")
        if sql.lower().startswith("commit"):
            self.reached("before a commit")


def in_child(crm: FakeCrm, work: Callable[[int, int], None]) -> int:
    """Run ``work`` in a forked child and serve it the CRM; returns its exit code."""
    to_parent, to_child = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(to_parent[0])
            os.close(to_child[1])
            work(to_parent[1], to_child[0])
        except BaseException as error:  # noqa: BLE001 the child ends here whatever it was
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    os.close(to_parent[1])
    os.close(to_child[0])
    with os.fdopen(to_parent[0], "rb") as asked, os.fdopen(to_child[1], "wb") as answers:
        for name, args in requests(asked):
            found = getattr(crm, name)(*args)
            pickle.dump(
                found if isinstance(found, tuple | str | frozenset) else plain(found), answers
            )
            answers.flush()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def plain(found: Any) -> Any:
    """Generators as lists; everything else as it is."""
    return list(found) if isinstance(found, Iterator) else found


def requests(asked: Any) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What the child asks until it is gone."""
    while True:
        try:
            yield pickle.load(asked)  # noqa: S301 our own child
        except EOFError:
            return


def run(directory: Path, at: int | None) -> dict[str, Any]:
    """One life: two won deals, a cut at point ``at``, a repair and a quiet run."""
    directory.mkdir(parents=True)
    clock = [START]
    crm = a_crm(lambda: clock[0])
    win(crm, "One", ("50000", "25"))
    win(crm, "Two", ("7",))
    clock[0] = now = START + timedelta(hours=1)
    state = directory / "state"
    notes = directory / "notes"

    def first_life(send: int, receive: int) -> None:
        cutter = Cutter(at)
        world = World(directory=state, now=now, crm=RemoteCrm(send, receive, cutter.reached))  # type: ignore[arg-type]
        world.store.db.conn.set_trace_callback(cutter.statement)
        for step in world.steps():
            cutter.armed = step.name in STEPS_CUT
            step.run(now)
        notes.write_text(json.dumps(cutter.passed))

    def next_life(send: int, receive: int) -> None:
        calls: list[str] = []
        world = World(directory=state, now=now, crm=RemoteCrm(send, receive, calls.append))  # type: ignore[arg-type]
        for _ in settle(world.steps(), world.store, now):
            pass
        edits = [
            e
            for c in world.engine.contracts(world.engine.customers()[0].id)
            for e in world.engine.edits(c.id)
        ]
        told = {
            "customers": len(world.engine.customers()),
            "edits": len(edits),
            "billed": world.engine.content_hash(),
            "counts": world.store.deals.check().provisioned,
            "waiting": world.store.pushes.count_waiting(),
        }
        calls.clear()
        for _ in settle(world.steps(), world.store, now):
            pass
        told["quiet"] = not calls and told["billed"] == world.engine.content_hash()
        notes.write_text(json.dumps(told))

    code = in_child(crm, first_life)
    passed = json.loads(notes.read_text()) if code == 0 else []
    repaired = in_child(crm, next_life)
    told = json.loads(notes.read_text())
    objects = sorted({name for name, _ in crm.sent})
    rows = {name: sorted(row["Key__c"] for row in crm.rows(name)) for name in objects}
    return {
        **told,
        "codes": [code, repaired],
        "rows": rows,
        "passed": passed,
    }


def main(directory: Path) -> None:
    """Every cut, after the life nobody cut."""
    whole = run(directory / "whole", None)
    sys.stdout.write(json.dumps(whole) + "\n")
    for at in range(1, len(whole["passed"]) + 1):
        sys.stdout.write(json.dumps(run(directory / f"cut{at}", at)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
