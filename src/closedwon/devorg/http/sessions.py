"""Access tokens that die of idleness, and refresh tokens that may rotate. Kept in memory only."""

import hmac
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from threading import Lock

import msgspec

from closedwon.devorg.http.options import RefreshToken, User

LOGIN_WINDOW = timedelta(hours=1)
REFRESH_TOKENS_MAX = 5
"""Live refresh tokens per user and app; the oldest dies (S 1.2)."""

Clock = Callable[[], datetime]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One login of one user; ``client_id`` is empty for SOAP logins."""

    token: str
    user: User
    client_id: str
    used_at: datetime


class Sessions:
    """Open sessions by access token. A session lives ``idle_s`` seconds after its last use."""

    def __init__(self, clock: Clock, org_id: str, idle_s: int, logins_max: int) -> None:
        self._clock = clock
        self._org15 = org_id[:15]
        self._idle = timedelta(seconds=idle_s)
        self._logins_max = logins_max
        self._open: dict[str, Session] = {}
        self._logins: dict[str, deque[datetime]] = {}
        self._lock = Lock()

    def may_log_in(self, user: User) -> bool:
        """Count one login of ``user``; False when the hourly limit is spent (S 1.2)."""
        now = self._clock()
        with self._lock:
            recent = self._logins.setdefault(user.id, deque())
            while recent and recent[0] <= now - LOGIN_WINDOW:
                recent.popleft()
            if len(recent) >= self._logins_max:
                return False
            recent.append(now)
            return True

    def open(self, user: User, client_id: str = "") -> str:
        """The access token of a new session; SOAP logins share one per user (S 1.5)."""
        now = self._clock()
        with self._lock:
            if not client_id:
                for session in self._open.values():
                    if session.user.id == user.id and not session.client_id:
                        if now - session.used_at < self._idle:
                            return self._touched(session, now).token
                        break
            token = f"{self._org15}!AQ{secrets.token_urlsafe(48)}"
            self._open[token] = Session(token=token, user=user, client_id=client_id, used_at=now)
            return token

    def find(self, token: str) -> Session | None:
        """The live session behind ``token``, now used again; None when expired or revoked."""
        now = self._clock()
        with self._lock:
            session = self._open.get(token)
            if session is None:
                return None
            if now - session.used_at >= self._idle:
                del self._open[token]
                return None
            return self._touched(session, now)

    def revoke(self, token: str) -> None:
        """End one session; an unknown token changes nothing."""
        with self._lock:
            self._open.pop(token, None)

    def revoke_grant(self, username: str, client_id: str) -> None:
        """End every session that a refresh token of this user and app stood behind."""
        with self._lock:
            for session in list(self._open.values()):
                if session.client_id == client_id and session.user.username == username:
                    del self._open[session.token]

    def expire_all(self) -> None:
        """End every session, as an admin or a restart does."""
        with self._lock:
            self._open.clear()

    def _touched(self, session: Session, now: datetime) -> Session:
        used = msgspec.structs.replace(session, used_at=max(now, session.used_at))
        self._open[session.token] = used
        return used


class RefreshTokens:
    """Live refresh tokens, oldest first."""

    def __init__(self, issued: Iterable[RefreshToken]) -> None:
        self._live: list[RefreshToken] = []
        self._lock = Lock()
        for grant in issued:
            self._add(grant)

    def find(self, token: str) -> RefreshToken | None:
        """The live grant behind ``token``, compared in constant time; None when unknown."""
        with self._lock:
            live = list(self._live)
        found = None
        for grant in live:
            if hmac.compare_digest(grant.token.encode(), token.encode()):
                found = grant
        return found

    def rotate(self, grant: RefreshToken) -> RefreshToken:
        """Replace ``grant`` by a new token, which alone is valid from now on."""
        self.revoke(grant)
        fresh = RefreshToken(
            token=f"5Aep861{secrets.token_urlsafe(48)}",
            username=grant.username,
            client_id=grant.client_id,
        )
        self._add(fresh)
        return fresh

    def revoke(self, grant: RefreshToken) -> None:
        """Forget ``grant``; one that is gone already changes nothing."""
        with self._lock:
            self._live = [live for live in self._live if live != grant]

    def _add(self, grant: RefreshToken) -> None:
        with self._lock:
            same = [
                live
                for live in self._live
                if (live.username, live.client_id) == (grant.username, grant.client_id)
            ]
            for oldest in same[: max(0, len(same) - REFRESH_TOKENS_MAX + 1)]:
                self._live.remove(oldest)
            self._live.append(grant)
