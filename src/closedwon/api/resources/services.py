"""Addresses calls come from: a server you run yourself has none that are known (2.3)."""

from typing import Any

from closedwon.api.call import Call, Route
from closedwon.store.tokens import Scope


def list_(_call: Call, _body: None) -> Any:
    """No service calls from a fixed address."""
    return {"services": []}


ROUTES = (Route(method="GET", path="/v1/services", scope=Scope.READ, do=list_),)
