"""A session against a Salesforce whose answers respx gives."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from closedwon.crm.salesforce.auth import Token
from closedwon.crm.salesforce.budget import Budget, Share
from closedwon.crm.salesforce.session import Session
from closedwon.crm.salesforce.tokens import Tokens
from closedwon.kernel.ids import id18
from closedwon.transport import Patience, open_client, session_over

CLIENT = open_client()
HOST = "https://acme.my.salesforce.com"
BASE = f"{HOST}/services/data/v60.0"
ORG = id18("00DHs0000012345")
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
EXPIRED = httpx.Response(
    401, json=[{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
)


class Clock:
    """Time that moves when told to, or when someone sleeps."""

    def __init__(self) -> None:
        self.at = NOON
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


class Logins:
    """A grant that counts; each login gives another token."""

    def __init__(self, org_id: str = ORG) -> None:
        self.count = 0
        self.last_at: datetime | None = None
        self.org_id = org_id

    def __call__(self, now: datetime) -> Token:
        self.count += 1
        self.last_at = now
        return Token(f"{self.org_id[:15]}!token{self.count}", HOST, self.org_id)


class Org:
    """Everything a test may want to look at."""

    def __init__(self, share: Share | None = None) -> None:
        self.clock = Clock()
        self.logins = Logins()
        self.patience = Patience(sleep=self.clock.sleep)
        self.budget = Budget(share or Share(), self.clock)
        self.tokens = Tokens(self.logins, self.clock)
        self.session = Session(session_over(CLIENT), self.tokens, self.patience, self.budget)


def page(
    rows: list[Mapping[str, Any]], *, total: int | None = None, more: str = ""
) -> dict[str, Any]:
    """A query answer; ``more`` is the locator of the next page."""
    answer = {"totalSize": len(rows) if total is None else total, "done": not more, "records": rows}
    return {**answer, "nextRecordsUrl": f"/services/data/v60.0/query/{more}"} if more else answer


def row(object_name: str, id_: str, **fields: Any) -> dict[str, Any]:
    """A row as Salesforce writes it."""
    stamp = "2024-03-01T11:00:00.000+0000"
    return {
        "attributes": {
            "type": object_name,
            "url": f"/services/data/v60.0/sobjects/{object_name}/{id_}",
        },
        "Id": id_,
        "SystemModstamp": stamp,
        "IsDeleted": False,
        **fields,
    }


def an_id(number: int, prefix: str = "006") -> str:
    """A valid 18-character id."""
    return id18(f"{prefix}Hs{number:010d}")
