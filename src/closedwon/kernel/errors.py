"""All our errors, sorted by what the caller does about them.

ClosedwonError
├── ConfigError        fix a file or a setting; nothing was started           exit 2
├── RetryLater         the outside is away; the next run finishes the work    exit 1
│   └── LimitReached   the org's API share is spent; resumable                exit 5
├── Refused            this request is wrong; nothing was changed             HTTP 400
│   ├── NotFound       no such record                                         HTTP 404
│   └── Conflict       the key or alias is taken                              HTTP 409
├── AuthFailed         credentials or permissions                             exit 4
├── LockHeld           another process owns writing                           exit 6
└── InvariantBroken    our own promise failed; stop writing                   exit 1
"""

from typing import ClassVar


class ClosedwonError(Exception):
    """Base of all our errors. ``code`` is stable and listed in docs/errors.md.

    ``facts`` name what, where and which record; they never hold secrets.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, **facts: str | int) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __str__(self) -> str:
        told = ", ".join(f"{name}={fact}" for name, fact in self.facts.items())
        return f"[{self.code}] {self.message}" + (f" ({told})" if told else "")


class ConfigError(ClosedwonError):
    """A setting, mapping or file is wrong; the message says ``file:line:column`` where known."""

    code = "config"
    exit_code = 2


class RetryLater(ClosedwonError):
    """A transient failure at the edge. The step leaves the row for the next run."""

    code = "retry_later"


class LimitReached(RetryLater):
    """The configured share of the CRM's API limit is spent; the run can be resumed."""

    code = "api_limit"
    exit_code = 5


class Refused(ClosedwonError):
    """A request that cannot be carried out as it stands; nothing was changed."""

    code = "refused"


class NotFound(Refused):
    """No record with that id."""

    code = "not_found"


class Conflict(Refused):
    """A uniqueness key, alias or id is already taken (R6, R7)."""

    code = "conflict"


class AuthFailed(ClosedwonError):
    """Credentials were refused or a permission is missing."""

    code = "auth"
    exit_code = 4


class LockHeld(ClosedwonError):
    """Another process owns writing to this state."""

    code = "lock_held"
    exit_code = 6


class InvariantBroken(ClosedwonError):
    """Something we promise did not hold; writing stops and nothing of this step is kept."""

    code = "invariant_broken"
