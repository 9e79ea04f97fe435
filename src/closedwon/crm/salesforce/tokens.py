"""One login per expiry, at most one a minute, whatever the threads do (G17, F007, F008)."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from closedwon.crm.salesforce.auth import Grant, Token
from closedwon.kernel.errors import AuthFailed, InvariantBroken, RetryLater
from closedwon.transport import Transient

LOGIN_INTERVAL = timedelta(minutes=1)


class Tokens:
    """The current token, renewed behind a lock; ``org_id`` pins the org (F026, F027)."""

    def __init__(
        self, grant: Grant, clock: Callable[[], datetime], org_id: str | None = None
    ) -> None:
        self._grant = grant
        self._clock = clock
        self._org_id = org_id
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._tried_at: datetime | None = None
        self._refusal: AuthFailed | None = None

    def current(self) -> Token:
        """The token in use; logs in when there is none."""
        with self._lock:
            return self._token or self._login()

    def renewed(self, spent: Token) -> Token:
        """A token other than ``spent``; threads that saw the same expiry share one login.

        Within a minute of the last attempt raises RetryLater, or AuthFailed when that was refused.
        """
        with self._lock:
            if self._token is not None and self._token is not spent:
                return self._token
            return self._login()

    def _login(self) -> Token:
        now = self._clock()
        self._token = None
        if self._tried_at is not None and now - self._tried_at < LOGIN_INTERVAL:
            again = (self._tried_at + LOGIN_INTERVAL).isoformat(timespec="seconds")
            if self._refusal is not None:
                raise AuthFailed(self._refusal.message, next_login=again)
            raise RetryLater("the last login is less than a minute ago", next_login=again)
        self._tried_at = now
        self._refusal = None
        try:
            token = self._grant(now)
        except AuthFailed as error:
            self._refusal = error
            raise
        except Transient as error:  # Not to be repeated at once, as other calls are.
            raise RetryLater(error.message, **error.facts) from error
        if self._org_id not in (None, token.org_id):
            raise InvariantBroken(
                "the login leads to another org", found=token.org_id, expected=str(self._org_id)
            )
        self._org_id = token.org_id
        self._token = token
        return token
