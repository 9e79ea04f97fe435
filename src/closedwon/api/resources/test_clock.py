"""The test clock: years of billing in seconds, for who tests against this server."""

import threading
from typing import Any

from closedwon.api.call import Call, Route
from closedwon.api.clock import ManualClock, advance
from closedwon.api.model import Instant, Wire
from closedwon.store.tokens import Scope

ADVANCE_SECONDS_MAX = 3600.0
"""How long moving the clock over years may take."""


class Move(Wire):
    """The instant to move to; the one it stands at runs what is due now."""

    now: Instant


def routes(clock: ManualClock) -> tuple[Route, ...]:
    """The routes of a server that was started with ``clock``."""
    moving = threading.Lock()

    def read(_call: Call, _body: None) -> Any:
        """Where the test clock stands."""
        return {"data": {"now": clock()}}

    def move(call: Call, body: Move) -> Any:
        """Move the test clock; everything that falls due on the way is done once."""
        with moving:
            invoices = advance(call.engine, clock, body.now)
        return {"data": {"now": clock(), "invoices_finalized": invoices}}

    return (
        Route(method="GET", path="/closedwon/clock", scope=Scope.READ, do=read),
        Route(
            method="POST",
            path="/closedwon/clock",
            scope=Scope.ADMIN,
            do=move,
            body=Move,
            is_stored=False,
            seconds_max=ADVANCE_SECONDS_MAX,
        ),
    )
