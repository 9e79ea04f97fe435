"""API tokens: who may call the wire, and for what; only a digest is kept (reliability.md 5.2)."""

import zlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlite_utils import Database

from closedwon.kernel.ids import digest
from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import change, insert, select

PREFIX = "closedwon_"
"""So that secret scanners find a token that was published."""


class Scope(StrEnum):
    """What a token may do; ADMIN may do everything, the others exactly what they say."""

    INGEST = "ingest"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token without its secret; ``name`` is who acts in the audit log."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    revoked_at: datetime | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether it opens what asks for ``scope``."""
        return self.revoked_at is None and not self.scopes.isdisjoint({scope, Scope.ADMIN})


@migrations()
def m072_api_tokens(db: Database) -> None:
    """A secret is found by its digest; a name has one live token."""
    create(
        db,
        "create table api_token ("
        " id text primary key, name text not null check (name <> ''), digest text not null unique,"
        " scopes text not null, created_at text not null, revoked_at text) strict",
        "create unique index api_token_live on api_token (name) where revoked_at is null",
    )


def secret_of(entropy: bytes) -> str:
    """The secret made of 32 random bytes: prefix, the bytes in hex, a checksum."""
    body = entropy.hex()
    return f"{PREFIX}{body}{zlib.crc32(body.encode()):08x}"


class Tokens:
    """Tokens by id, name and digest of their secret; never deleted."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, token: Token, secret: str) -> None:
        """Keep a new token; of the secret, which has 256 random bits, only its SHA-256."""
        row = {
            "id": token.id,
            "name": token.name,
            "digest": digest(secret.encode()),
            "scopes": _text(token.scopes),
            "created_at": format_instant(token.created_at),
            "revoked_at": None,
        }
        insert(self._db, "api_token", [row])

    def find(self, secret: str) -> Token | None:
        """The token of a secret, revoked or not.

        Looked up by its digest: how long that takes says nothing about secrets that exist.
        """
        found = select(
            self._db,
            "select * from api_token where digest = :digest",
            digest=digest(secret.encode()),
        )
        return _token(found[0]) if found else None

    def live(self, name: str) -> Token | None:
        """The token of a name that is not revoked."""
        sql = "select * from api_token where name = :name and revoked_at is null"
        found = select(self._db, sql, name=name)
        return _token(found[0]) if found else None

    def all(self) -> tuple[Token, ...]:
        """Every token, revoked ones included, oldest first."""
        return tuple(map(_token, select(self._db, "select * from api_token order by created_at")))

    def revoke(self, token_id: str, now: datetime) -> bool:
        """Let it open nothing from now on; False when there is nothing to revoke."""
        sql = "update api_token set revoked_at = :now where id = :id and revoked_at is null"
        return change(self._db, sql, id=token_id, now=format_instant(now)) > 0


def _text(scopes: Iterable[Scope]) -> str:
    return " ".join(sorted(scopes))


def _token(row: dict[str, str | None]) -> Token:
    revoked = row["revoked_at"]
    return Token(
        id=str(row["id"]),
        name=str(row["name"]),
        scopes=frozenset(map(Scope, str(row["scopes"]).split())),
        created_at=parse_instant(str(row["created_at"])),
        revoked_at=None if revoked is None else parse_instant(revoked),
    )
