"""Salesforce: auth, session, query, poll, deals, write, describe (salesforce.md 1, 2, 6, 7)."""

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import msgspec

from closedwon.crm.salesforce.adapter import SalesforceCrm
from closedwon.crm.salesforce.auth import (
    ClientCredentials,
    Grant,
    JwtBearer,
    Password,
    RefreshToken,
    Token,
)
from closedwon.crm.salesforce.budget import Budget, Share
from closedwon.crm.salesforce.deal import Fingerprint
from closedwon.crm.salesforce.session import API_VERSION, Session
from closedwon.crm.salesforce.tokens import Tokens
from closedwon.crm.windows import SETTLE
from closedwon.deals.source import DealSource
from closedwon.transport import Patience, session_over

__all__ = [
    "ClientCredentials",
    "Connection",
    "Grant",
    "JwtBearer",
    "Password",
    "RefreshToken",
    "SalesforceCrm",
    "Session",
    "Share",
    "Token",
    "connect",
]


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """What talking to an org takes; ``grant`` logs in through the same ``client``."""

    client: httpx.Client
    grant: Grant
    patience: Patience
    clock: Callable[[], datetime]
    """Current instant (UTC), for logins and the API budget only."""
    share: Share = Share()
    org_id: str | None = None
    """The org we expect, 18 characters; None takes the first one that answers."""
    version: str = API_VERSION


def connect(
    connection: Connection,
    source: DealSource,
    fingerprint: Fingerprint,
    settle: timedelta = SETTLE,
) -> SalesforceCrm:
    """The CRM of an org; nothing is sent before its first use."""
    tokens = Tokens(connection.grant, connection.clock, connection.org_id)
    budget = Budget(connection.share, connection.clock)
    http = session_over(connection.client)
    session = Session(http, tokens, connection.patience, budget, version=connection.version)
    return SalesforceCrm(
        session, source, fingerprint=fingerprint, patience=connection.patience, settle=settle
    )
