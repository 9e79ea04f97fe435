"""How a usage store behaves and what it may take."""

import msgspec

BACKDATING_DAYS = 34
SQL_SECONDS_MAX = 120


class UsageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a usage store behaves and what it may take."""

    read_only: bool = False
    backdating_days: int | None = BACKDATING_DAYS
    """How old an event may be at ingest (R18); None accepts any age."""
    metrics_retroactive: bool = False
    """Whether events count that were ingested before their metric was created (R27)."""
    memory: str = "2GB"
    """Memory limit of the compute engine, which spills to disk beyond."""
    threads: int = 2
    sql_seconds_max: float = SQL_SECONDS_MAX
    """How long the SQL metrics of one call may take, all together (R38)."""
