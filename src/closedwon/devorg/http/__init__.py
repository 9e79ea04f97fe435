"""The HTTP face of the local Salesforce (salesforce.md 1, 2).

``application`` turns an ``Org`` into an ASGI application, ``running`` and ``serve`` serve it.
``client.redirecting_session`` brings unmodified simple-salesforce to it.
"""

from closedwon.devorg.http.application import application
from closedwon.devorg.http.faults import Fault, Faults, RowLock
from closedwon.devorg.http.options import Accounts, ConnectedApp, Options, RefreshToken, User
from closedwon.devorg.http.server import running, serve

__all__ = [
    "Accounts",
    "ConnectedApp",
    "Fault",
    "Faults",
    "Options",
    "RefreshToken",
    "RowLock",
    "User",
    "application",
    "running",
    "serve",
]
