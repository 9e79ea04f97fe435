"""Proving and remaking derived state, and remembering how it came out (D1, G5, G20)."""

from datetime import datetime

import msgspec

from closedwon.engine import Engine
from closedwon.engine.rebuild import Derived
from closedwon.step import StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore

VERIFY, REBUILD = "verify", "rebuild"


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; sound when nothing was wrong."""

    tables: tuple[Derived, ...]
    findings: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether every table and byte is as it should be."""
        return not self.findings and not any(one.wrong for one in self.tables)


def verified(engine: Engine, store: LineStore, now: datetime) -> Proof:
    """Make every derived table anew, compare, keep nothing, and note the outcome."""
    found = Proof(tables=engine.verify(now), findings=engine.findings())
    _note(store, VERIFY, found, now)
    return found


def rebuilt(engine: Engine, store: LineStore, now: datetime) -> Proof:
    """Make the caches of edits anew, and note what was not as it should have been."""
    found = Proof(tables=engine.rebuild(), findings=())
    _note(store, REBUILD, found, now)
    return found


def _note(store: LineStore, step: str, proof: Proof, now: datetime) -> None:
    wrong = tuple(f"{one.table}: {one.wrong} wrong" for one in proof.tables if one.wrong)
    report = StepReport(
        step=step,
        done=sum(one.rows for one in proof.tables),
        parked=sum(one.wrong for one in proof.tables) + len(proof.findings),
        notes=(*wrong, *proof.findings),
    )
    with writing(store.db):
        store.runs.record(report, now)
