"""Ids that follow from facts, so that replays are no-ops (R13)."""

import hashlib
import uuid

from closedwon.kernel.errors import Refused

NAMESPACE = uuid.UUID("6f3c1d5e-52f7-5c8e-9a1b-0d4c8a6e7b21")
SALESFORCE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def derive(kind: str, *facts: str) -> str:
    """UUIDv5 of ``kind`` and its identifying ``facts``; the same facts always give the same id."""
    for fact in (kind, *facts):
        if "\x1f" in fact:
            raise Refused("an id fact holds a separator character")
    return str(uuid.uuid5(NAMESPACE, "\x1f".join((kind, *facts))))


def digest(content: bytes) -> str:
    """SHA-256 in hex: fingerprints of deals, pushed rows and plans."""
    return hashlib.sha256(content).hexdigest()


def id18(record_id: str) -> str:
    """The 18-character form of a Salesforce id; raises Refused for a wrong form or checksum.

    The three last characters encode which of the first fifteen are upper case.
    """
    if len(record_id) not in (15, 18) or not record_id.isascii() or not record_id.isalnum():
        raise Refused(f"not a Salesforce id: {record_id!r}")
    base = record_id[:15]
    suffix = "".join(
        SALESFORCE_ALPHABET[
            sum(1 << at for at, letter in enumerate(base[chunk : chunk + 5]) if letter.isupper())
        ]
        for chunk in (0, 5, 10)
    )
    if len(record_id) == 18 and record_id[15:].upper() != suffix:
        raise Refused(f"Salesforce id with a wrong checksum: {record_id!r}", expected=suffix)
    return base + suffix
