"""Everything that knows secrets: users, apps, sessions; passwords compared in constant time."""

import hmac

from closedwon.devorg.http.options import Accounts, ConnectedApp, Options, User
from closedwon.devorg.http.sessions import Clock, RefreshTokens, Sessions

LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")


class Identity:
    """Who may log in, who is in, and under which address clients find the org."""

    def __init__(self, accounts: Accounts, options: Options, clock: Clock, org_id: str) -> None:
        self.accounts = accounts
        self.options = options
        self.clock = clock
        self.org_id = org_id
        """18-character id of the organization."""
        self.sessions = Sessions(clock, org_id, options.session_idle_s, options.logins_max)
        self.refresh_tokens = RefreshTokens(accounts.refresh_tokens)

    def user_by_password(self, username: str, password: str) -> User | None:
        """The active user whose password and security token are ``password``; else None."""
        user = self.accounts.user(username)
        known = user.password + user.security_token if user else ""
        matches = same_secret(known, password)
        return user if user and user.is_active and user.password and matches else None

    def app_by_secret(self, client_id: str, client_secret: str) -> ConnectedApp | None:
        """The app whose consumer key and secret these are; else None."""
        app = self.accounts.app(client_id)
        matches = same_secret(app.client_secret if app else "", client_secret)
        return app if app and app.client_secret and matches else None

    def instance_url(self, host: str) -> str:
        """Address of the API for a client that reached us as ``host`` (its Host header).

        Under a salesforce.com name (a proxy or a redirecting session stands between) that is
        https and My Domain; else the very address the client used.
        """
        if is_salesforce_host(host):
            return f"https://{self.options.my_domain}"
        return f"http://{host}"

    def identity_url(self, host: str, user: User) -> str:
        """The ``id`` of a login: ends in ``/id/{organization}/{user}``."""
        base = "https://login.salesforce.com" if is_salesforce_host(host) else f"http://{host}"
        return f"{base}/id/{self.org_id}/{user.id}"


def same_secret(known: str, given: str) -> bool:
    """Whether two secrets are equal, in time that does not tell how much of them is."""
    return hmac.compare_digest(known.encode(), given.encode())


def is_salesforce_host(host: str) -> bool:
    """Whether ``host`` (with or without port) lies under salesforce.com."""
    return host.partition(":")[0].endswith(".salesforce.com")
