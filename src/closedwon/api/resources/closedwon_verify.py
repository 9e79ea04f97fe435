"""Ours: whether derived state is what it is derived from, byte for byte (D1, G5, G20)."""

from typing import Any

from closedwon.api.call import Call, Route
from closedwon.store.tokens import Scope

VERIFY_SECONDS_MAX = 3600.0
"""How long a caller waits: every bill is made anew, and meanwhile nobody writes."""


def verify(call: Call, _body: None) -> Any:
    """Make every derived table anew, compare, keep nothing; and say what is wrong in words."""
    tables = call.engine.verify(call.now)
    findings = call.engine.findings()
    return {
        "data": {
            "is_sound": not findings and not any(one.wrong for one in tables),
            "findings": list(findings),
            "tables": [
                {"table": one.table, "rows": one.rows, "wrong": one.wrong} for one in tables
            ],
            "content_hash": call.engine.content_hash(),
        }
    }


ROUTES = (
    Route(
        method="POST",
        path="/closedwon/verify",
        scope=Scope.ADMIN,
        do=verify,
        seconds_max=VERIFY_SECONDS_MAX,
    ),
)
