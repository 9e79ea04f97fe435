"""Usage events in (R15-R18)."""

from closedwon.api.call import Intake, Route
from closedwon.store.tokens import Scope
from closedwon.usage.validate import limits_at, parse_batch


def ingest(intake: Intake, body: bytes) -> None:
    """1 to 100 events; stored whole and durably before this answers, or none of them (R15)."""
    events = parse_batch(body, limits_at(intake.now, intake.backdating_days))
    intake.ingest(events, intake.now)


ROUTES = (
    Route(
        method="POST",
        path="/v1/ingest",
        scope=Scope.INGEST,
        do=ingest,
        is_raw=True,
        needs_engine=False,
        is_stored=False,
    ),
)
