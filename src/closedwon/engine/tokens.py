"""Commands on API tokens: made with a name and scopes, revoked, never changed."""

from collections.abc import Iterable
from datetime import datetime

from closedwon.engine.command import command
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.kernel.ids import derive, digest
from closedwon.store.stores import Stores
from closedwon.store.tokens import Scope, Token

NAME_LENGTH_MAX = 64


def create(
    stores: Stores, name: str, scopes: Iterable[Scope], secret: str, *, by: str, now: datetime
) -> Token:
    """Let whoever has ``secret`` in as ``name``; raises Conflict for a name in use."""
    token = Token(
        id=derive("api_token", digest(secret.encode())),
        name=name,
        scopes=frozenset(scopes),
        created_at=now,
    )
    with command(stores, "create", ("api_token", token.id), by=by, now=now) as running:
        if not 1 <= len(name) <= NAME_LENGTH_MAX or not token.scopes:
            raise Refused(f"a token has a name of 1 to {NAME_LENGTH_MAX} letters and a scope")
        if stores.tokens.live(name) is not None:
            raise Conflict("a live token has this name; revoke it first", name=name)
        stores.tokens.add(token, secret)
        running.changed = True
    return token


def revoke(stores: Stores, name: str, *, by: str, now: datetime) -> Token:
    """Shut the live token of a name out from the next request on; raises NotFound."""
    token = stores.tokens.live(name)
    if token is None:
        raise NotFound("no live token has this name", name=name)
    with command(stores, "revoke", ("api_token", token.id), by=by, now=now) as running:
        running.changed = stores.tokens.revoke(token.id, now)
    return token
