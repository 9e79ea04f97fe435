"""Ours: whether derived state is what it is derived from, byte for byte (D1, G5, G20)."""

from datetime import datetime
from typing import Any

from closedwon.api.call import Call, Route
from closedwon.step import StepReport
from closedwon.store.line import LineStore
from closedwon.store.tokens import Scope
from closedwon.sync.proof import REBUILD, VERIFY, verified

VERIFY_SECONDS_MAX = 3600.0
"""How long a caller waits: every bill is made anew, and meanwhile nobody writes."""


def verify(call: Call, _body: None) -> Any:
    """Make every derived table anew, compare, keep nothing; and say what is wrong in words."""
    proof = verified(call.engine, LineStore(call.engine.db), call.now)
    return {
        "data": {
            "is_sound": proof.is_sound,
            "findings": list(proof.findings),
            "tables": [
                {"table": one.table, "rows": one.rows, "wrong": one.wrong} for one in proof.tables
            ],
            "content_hash": call.engine.content_hash(),
        }
    }


def status(call: Call, _body: None) -> Any:
    """How the last verification and the last rebuild came out; null where there was none."""
    last = LineStore(call.engine.db).runs.last()
    return {
        "data": {
            "verified": _outcome(last.get(VERIFY)),
            "rebuilt": _outcome(last.get(REBUILD)),
        }
    }


def _outcome(run: tuple[datetime, StepReport, str] | None) -> dict[str, Any] | None:
    if run is None:
        return None
    at, report, _error = run
    return {
        "at": at,
        "rows": report.done,
        "wrong": report.parked,
        "is_sound": not report.parked,
        "findings": list(report.notes),
    }


ROUTES = (
    Route(method="GET", path="/closedwon/rebuild", scope=Scope.READ, do=status),
    Route(
        method="POST",
        path="/closedwon/verify",
        scope=Scope.ADMIN,
        do=verify,
        seconds_max=VERIFY_SECONDS_MAX,
    ),
)
