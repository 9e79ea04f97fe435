"""What happens in Salesforce during the story, in the order in which people do it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from closedwon.devorg.seed import shipped_records
from closedwon.kernel.instant import parse_instant

Records = Mapping[str, Sequence[Mapping[str, Any]]]

FIRST_DEAL = "006Hs000000014qIAA"
UPSELL = "006Hs000000015RIAQ"
ACCOUNT = "001Hs000000014mIAA"
NEGOTIATING = {
    "StageName": "Negotiation/Review",
    "IsWon": False,
    "IsClosed": False,
    "Probability": 80,
}


def signed(until: datetime, after: datetime | None = None) -> Records:
    """The InfraX records created in ``(after, until]``; deals among them are still negotiated."""
    return {
        name: [_open(name, row) for row in rows if _is_between(row, after, until)]
        for name, rows in shipped_records().items()
    }


def renewal() -> Records:
    """The renewal quote of December 2026, its deal still negotiated."""
    return shipped_records("infrax-renewal")


def renewal_deal() -> str:
    """Id of the renewal opportunity."""
    return str(renewal()["Opportunity"][0]["Id"])


def _is_between(row: Mapping[str, Any], after: datetime | None, until: datetime) -> bool:
    stamp = row.get("CreatedDate") or row.get("SystemModstamp")
    if stamp is None:
        return after is None
    created = parse_instant(str(stamp))
    return (after is None or created > after) and created <= until


def _open(name: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, **NEGOTIATING} if name == "Opportunity" else row
