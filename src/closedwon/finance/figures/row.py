"""A Salesforce row as it should be."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

CUSTOMER: Final = "Meter_Customer__c"
CONTRACT: Final = "Meter_Contract__c"
COMMIT: Final = "Meter_Commit__c"
PERIOD: Final = "Meter_Commit_Period__c"
SPEND: Final = "Meter_Spend__c"
SYNC: Final = "Meter_Sync_Record__c"
ORDER: Final = (CUSTOMER, CONTRACT, COMMIT, PERIOD, SPEND, SYNC)
"""Parents before children."""
KEY_FIELD: Final = "Key__c"


class WantedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row; ``fields`` hold exact numbers, text, booleans, None and parents by external id.

    ``Key__c``, ``Synced_At__c`` and ``Sync_Hash__c`` are added when it is sent.
    """

    key: str
    """External id, ``{environment}:{our id}``."""
    object_name: str
    fields: Mapping[str, Any]
    extra: Mapping[str, Any] = {}
    """Sent along with the fields, but never a reason to send."""
    late: bool = False
    """Refers to a row of its own object, so it goes after the others of it."""
    opportunity_id: str | None = None
    """Deal it belongs to, so that a refusal can be told there."""

    @property
    def position(self) -> int:
        """Sending order: parents first, rows that refer to their own object last of it."""
        return 2 * ORDER.index(self.object_name) + int(self.late)


def parent(key: str | None) -> Mapping[str, str] | None:
    """A look-up by external id; None leaves the field alone."""
    return None if key is None else {KEY_FIELD: key}


def compact(**fields: Any) -> dict[str, Any]:
    """Fields without those that are None: what we do not know is not written."""
    return {name: value for name, value in fields.items() if value is not None}
