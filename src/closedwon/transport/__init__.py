"""HTTP to the outside: httpx clients with limits, retry policy, simple-salesforce over httpx.

Only ``client`` names ``httpx.Client``. Every wait, body, connection and retry has a limit.
"""

from closedwon.transport.adapter import session_over
from closedwon.transport.client import Answer, Limits, open_client, send
from closedwon.transport.retry import Patience, Transient, retry_after_s

__all__ = [
    "Answer",
    "Limits",
    "Patience",
    "Transient",
    "open_client",
    "retry_after_s",
    "send",
    "session_over",
]
