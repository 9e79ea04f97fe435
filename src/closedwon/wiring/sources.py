"""Randomness, for what must not be guessed or derived: ids of what callers create, secrets."""

import secrets
import uuid

from closedwon.store.tokens import secret_of

SECRET_BYTES = 32


def new_id() -> str:
    """A random UUIDv4, for an object an API caller creates (R13)."""
    return str(uuid.uuid4())  # noqa: TID251 the injected id source itself


def new_secret() -> str:
    """A new API token."""
    return secret_of(secrets.token_bytes(SECRET_BYTES))
