"""Floor 2: usage events, apart from the state (D6): ingest, dedupe, seal, metering."""

from closedwon.usage.log import UsageLog, open_usage

__all__ = ["UsageLog", "open_usage"]
