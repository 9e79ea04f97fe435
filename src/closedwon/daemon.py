"""Floor 5: APScheduler jobs over sync steps; health and metrics. No logic."""
