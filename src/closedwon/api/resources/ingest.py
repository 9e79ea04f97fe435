"""Usage events in (R15-R18)."""

from closedwon.api.call import Call, Route
from closedwon.store.tokens import Scope
from closedwon.usage.validate import limits_at, parse_batch


def ingest(call: Call, body: bytes) -> None:
    """1 to 100 events; stored whole and durably before this answers, or none of them (R15)."""
    events = parse_batch(body, limits_at(call.now, call.backdating_days))
    call.ingest(events, call.now)


ROUTES = (
    Route(
        method="POST",
        path="/v1/ingest",
        scope=Scope.INGEST,
        do=ingest,
        is_raw=True,
        is_stored=False,
    ),
)
