"""Who may log in, and how the org behaves over HTTP. Structs that hold secrets never print them."""

import msgspec

from closedwon.kernel.errors import ConfigError


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who can log in; ``id`` is the 18-character id of the User record."""

    id: str
    username: str
    password: str
    security_token: str = ""
    """Appended to the password at SOAP and password logins; empty inside a trusted network."""
    is_active: bool = True

    def __repr__(self) -> str:
        return f"User({self.username!r})"


class ConnectedApp(msgspec.Struct, frozen=True, kw_only=True):
    """An OAuth client (Salesforce: External Client App)."""

    client_id: str
    client_secret: str
    run_as: str | None = None
    """Username that client-credentials logins run as; None refuses that grant."""
    public_key: str | None = None
    """PEM certificate or public key that verifies JWT assertions; None refuses that grant."""
    is_approved: bool = True
    """Whether an admin pre-authorised the app for its users (JWT bearer needs it)."""
    rotates_refresh_tokens: bool = False

    def __repr__(self) -> str:
        return f"ConnectedApp({self.client_id!r})"


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token that a web login issued earlier to one user in one app."""

    token: str
    username: str
    client_id: str

    def __repr__(self) -> str:
        return f"RefreshToken({self.username!r}, {self.client_id!r})"


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """Everyone who may log in. Raises ConfigError when one name is used twice or not at all."""

    users: tuple[User, ...]
    apps: tuple[ConnectedApp, ...] = ()
    refresh_tokens: tuple[RefreshToken, ...] = ()

    def __post_init__(self) -> None:
        usernames = {user.username for user in self.users}
        if len(usernames) < len(self.users):
            raise ConfigError("two users of the dev org share a username")
        if len({app.client_id for app in self.apps}) < len(self.apps):
            raise ConfigError("two connected apps of the dev org share a client id")
        named = {app.run_as for app in self.apps if app.run_as is not None}
        named |= {grant.username for grant in self.refresh_tokens}
        if named - usernames:
            raise ConfigError("no such user in the dev org", expected=", ".join(sorted(usernames)))

    def user(self, username: str) -> User | None:
        """The user of that name, which Salesforce compares without case; None when unknown."""
        wanted = username.casefold()
        return next((user for user in self.users if user.username.casefold() == wanted), None)

    def app(self, client_id: str) -> ConnectedApp | None:
        """The connected app with that consumer key; None when unknown."""
        return next((app for app in self.apps if app.client_id == client_id), None)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the org behaves; the defaults are those of a Developer Edition (S 6)."""

    my_domain: str = "acme.my.salesforce.com"
    """Instance host given to clients that reached us under a salesforce.com name."""
    session_idle_s: int = 7200
    api_calls_max: int = 15_000
    """Calls allowed in a rolling day."""
    logins_max: int = 3_600
    """Logins allowed per user in a rolling hour."""
    cursors_max: int = 10
    """Open query cursors per user; the oldest is dropped."""
    latency_ms: int = 0
    """Added to every request, for benchmarks."""
    allows_password_grant: bool = False
    """OAuth username-password flow; new orgs block it."""
    audiences: tuple[str, ...] = ()
    """Accepted ``aud`` of JWT assertions besides the login hosts, My Domain and our own address."""
    admin_token: str = ""
    """Bearer token of ``/devorg/faults``; the route does not exist while this is empty."""

    def __repr__(self) -> str:
        return f"Options(my_domain={self.my_domain!r})"
