"""Usage events in (R15-R18)."""

from typing import Annotated, Any

from pydantic import Field

from closedwon.api.call import Intake, Route
from closedwon.api.model import Instant, Key, Wire
from closedwon.store.tokens import Scope
from closedwon.usage.validate import BATCH_MAX, limits_at, parse_batch


class Event(Wire):
    """Something a customer used; for the document, the store has a faster reader."""

    transaction_id: Key
    """Unique for 34 days; a second event with it changes nothing (R16)."""
    customer_id: str = Field(min_length=1)
    """The customer's id, or one of its ingest aliases."""
    event_type: str = Field(min_length=1)
    """What metrics choose events by."""
    timestamp: Instant
    """When it was used; decides which billing period it belongs to (R19)."""
    properties: dict[str, Any] | None = None
    """What metrics add up and group by; numbers stay exact."""


Batch = Annotated[list[Event], Field(min_length=1, max_length=BATCH_MAX)]


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
        raw=Batch,
        is_stored=False,
    ),
)
