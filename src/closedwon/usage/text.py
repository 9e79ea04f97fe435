"""Pieces of the columnar engine's SQL that every query of ours uses."""

from datetime import datetime

EPOCH_FROM_YEAR_1_US = 62_135_596_800_000_000
SEQUENCES = 2**40
"""Sequence numbers stay below; orders events of one instant by ingest (R33)."""


def quoted(text: str) -> str:
    """``text`` as an SQL literal; DuckDB knows no backslash escapes in it."""
    return "'" + text.replace("'", "''") + "'"


def escaped(name: str) -> str:
    """A property name inside a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def instant(at: datetime) -> str:
    """An instant as an SQL literal."""
    return f"timestamptz {quoted(at.isoformat())}"
