"""Meter_Sync_Record__c: what became of a deal, where an admin can read it and tick Retry (D9)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from closedwon.finance.figures.row import SYNC, WantedRow, compact
from closedwon.kernel.instant import wire_instant

MESSAGE_MAX = 32_000
FIELD_MAX = 255


class SyncState(msgspec.Struct, frozen=True, kw_only=True):
    """One deal as its row shows it."""

    opportunity_id: str
    object_name: str
    """Root object of the mapping, ``Opportunity``."""
    stage: str
    """Received, Waiting, Needs Attention, Ready For Review, Provisioned, Amended, Skipped,
    Suspended."""
    severity: str
    """Info, Warning or Error."""
    messages: Sequence[str]
    field: str = ""
    preview: str = ""
    """JSON of what a held plan would do; empty when nothing is held."""
    attempts: int = 0
    last_attempt_at: datetime | None = None
    is_deleted: bool = False
    """The opportunity is gone, so the row cannot point at it."""


def sync_row(state: SyncState, environment: str) -> WantedRow:
    """The row of one deal; Retry__c is written false, which clears a tick that was acted on."""
    key = f"{environment}:{state.object_name}:{state.opportunity_id}"
    fields: Mapping[str, Any] = {
        **compact(
            Environment__c=environment,
            Opportunity__c=None if state.is_deleted else state.opportunity_id,
            Stage__c=state.stage,
            Severity__c=state.severity,
        ),
        "Message__c": "\n".join(state.messages)[:MESSAGE_MAX] or None,
        "Field__c": state.field[:FIELD_MAX] or None,
        "Mapped_Preview__c": state.preview[:MESSAGE_MAX] or None,
        "Retry__c": False,
    }
    at = state.last_attempt_at
    extra = {"Attempts__c": state.attempts, "Last_Attempt__c": at and wire_instant(at)}
    return WantedRow(
        key=key,
        object_name=SYNC,
        fields=fields,
        extra=extra,
        opportunity_id=state.opportunity_id,
    )
