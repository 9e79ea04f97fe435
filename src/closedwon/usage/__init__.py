"""Floor 2: usage events, apart from the state (D6): ingest, dedupe, seal, metering."""
