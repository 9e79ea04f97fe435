"""Routes of the vendor that are known and not built: they say so, and what to use instead."""

from typing import Any

from closedwon.api.answers import Unsupported
from closedwon.api.call import Call, Route
from closedwon.store.tokens import Scope


def unbuilt(method: str, path: str, scope: Scope, instead: str) -> Route:
    """A route that answers 501 with ``instead``, whatever is sent."""

    def refuse(_call: Call, _body: bytes) -> Any:
        """501, whatever is sent."""
        raise Unsupported(instead)

    return Route(
        method=method,
        path=path,
        scope=scope,
        do=refuse,
        is_raw=True,
        is_stored=False,
        is_supported=False,
    )
