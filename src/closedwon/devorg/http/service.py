"""What every REST resource works with: the org, the caller and one call."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from closedwon.devorg.errors import OrgError
from closedwon.devorg.http.budget import Budget
from closedwon.devorg.http.cursors import Cursors
from closedwon.devorg.http.exchange import Answer
from closedwon.devorg.http.faults import Faults
from closedwon.devorg.http.options import Options
from closedwon.devorg.http.sessions import Clock
from closedwon.devorg.org import Org


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call under ``/services/data/v{version}/``, from the wire or from inside composite."""

    method: str
    path: tuple[str, ...]
    """Decoded segments behind the version."""
    version: str
    """``60.0``."""
    user_id: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: Any = None
    names: Mapping[str, str] = {}
    """What the route's placeholders stand for."""
    all_or_none: bool | None = None
    """Set by an enclosing composite call; overrules what the body says (S 2.5)."""

    def url(self, *path: str) -> str:
        """A path below this call's version, as answers show it."""
        return "/".join((f"/services/data/v{self.version}", *path))

    def flag(self, name: str) -> bool:
        """A true/false query parameter, false when absent."""
        return self.query.get(name, "").casefold() == "true"

    def fields(self) -> dict[str, Any]:
        """The body as a JSON object; raises OrgError when it is something else."""
        if not isinstance(self.body, dict):
            raise OrgError("JSON_PARSER_ERROR", "The request body must be a JSON object")
        return self.body


class Service:
    """The org behind HTTP: records, cursors, the call budget and planned faults."""

    def __init__(self, org: Org, options: Options, clock: Clock, faults: Faults) -> None:
        self.org = org
        self.options = options
        self.clock = clock
        self.faults = faults
        self.budget = Budget(clock, options.api_calls_max)
        self.cursors = Cursors(clock, options.cursors_max)
        self.described_at: datetime = clock().replace(microsecond=0)
        """Since when the schema is as it is: it cannot change while the org is served."""


Resource = Callable[[Service, Call], Answer]
