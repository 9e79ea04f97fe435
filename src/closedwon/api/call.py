"""A route and a call of it: what a resource module is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from closedwon.api.model import NoQuery, Wire
from closedwon.api.paging import LIMIT_MAX, Asked
from closedwon.deals.mapping.worth import Worth
from closedwon.deals.types import Deal
from closedwon.engine import Engine
from closedwon.store.tokens import Scope
from closedwon.usage.types import IngestReport, UsageEvent

SECONDS_MAX = 60.0
"""How long a caller waits for an answer, as the SDK's own limit is."""


class Ingest(Protocol):
    """How events are stored; ``usage.UsageLog.ingest`` is one."""

    def __call__(
        self, events: Sequence[UsageEvent], now: datetime, *, any_age: bool = False
    ) -> IngestReport:
        """Store a batch durably before returning."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """One request that needs no engine, only the usage store; a Call has the same."""

    ingest: Ingest
    backdating_days: int | None
    """Oldest usage accepted, in days; None takes any (R18)."""
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that was let in: what a resource function works with."""

    engine: Engine
    ingest: Ingest
    backdating_days: int | None
    """Oldest usage accepted, in days; None takes any (R18)."""
    worth_of: Callable[[Deal], Worth]
    """What the CRM says a deal is worth, by the mapping in force; may raise Unsupported."""
    now: datetime
    by: str
    """Name of the token, for the audit log."""
    new_id: Callable[[], str]
    """Ids of what the caller creates (R13)."""
    new_secret: Callable[[], str]
    """Secrets of 256 random bits, told to the caller once."""
    address: str
    """Base URL of this server as the caller reaches it, without a last slash."""
    seller: str
    """Name and address of who bills; lines end with a newline."""
    path: Mapping[str, str]
    query: Any = None
    """An instance of the route's ``query``."""
    page: Asked = field(default_factory=Asked)
    """``limit`` and ``next_page`` of the query string, of routes that page."""


Do = Callable[[Any, Any], Any]
"""(call, body) -> what is answered as JSON; None answers ``{}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method and path of the wire, what it needs and what it does."""

    method: str
    path: str
    scope: Scope
    do: Do
    body: type[Wire] | None = None
    """Model of the JSON body; None where there is none, or where ``is_raw``."""
    query: type[Wire] = NoQuery
    is_paged: bool = False
    """Whether ``limit`` and ``next_page`` may stand in the query string."""
    page_default: int = LIMIT_MAX
    """Rows of a page where no ``limit`` is sent."""
    is_raw: bool = False
    """Whether ``do`` gets the bytes of the body."""
    is_streamed: bool = False
    """Whether it gets them part by part as they arrive; such a route needs no engine."""
    media: str = "application/json"
    """Content-Type of the body."""
    needs_engine: bool = True
    """Without one ``do`` gets an Intake, or a Call where an Idempotency-Key is sent."""
    raw: Any = None
    """For the document: the type of what the bytes hold; None for any JSON or nothing."""
    is_supported: bool = True
    """False for what is known of the vendor's wire and always answers 501."""
    makes_secret: bool = False
    """Whether it answers with a secret it makes: it writes whatever its scope, and its answer is
    never kept, so a repeat with the same Idempotency-Key makes another one."""
    is_stored: bool = True
    """Whether it runs in a transaction of the state: a snapshot to read, the lock to write."""
    seconds_max: float = SECONDS_MAX

    @property
    def writes(self) -> bool:
        """Whether it may change the state."""
        changes = self.makes_secret or self.scope in {Scope.WRITE, Scope.ADMIN}
        return self.is_stored and changes

    @property
    def keeps_answers(self) -> bool:
        """Whether a repeat with the same Idempotency-Key gets the first answer (R8)."""
        return self.method != "GET" and not self.is_streamed and not self.makes_secret

    @property
    def label(self) -> str:
        """``GET /v1/customers``."""
        return f"{self.method} {self.path}"

    @property
    def name(self) -> str:
        """Unique among all routes; of the OpenAPI document."""
        words = self.path.replace("{", "").replace("}", "").replace("-", "_")
        return f"{self.method.lower()}{words.replace('/', '_')}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: status, JSON text, headers."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    document: bytes | None = None
    """What goes back in place of JSON, of the Content-Type in ``headers``."""
