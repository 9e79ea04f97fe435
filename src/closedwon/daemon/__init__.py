"""Floor 5: APScheduler jobs over sync steps; health and metrics. No logic."""

from closedwon.daemon.daemon import Daemon, Job
from closedwon.daemon.health import application
from closedwon.daemon.logs import configure_logs
from closedwon.daemon.pulse import Observation, Pulse

__all__ = ["Daemon", "Job", "Observation", "Pulse", "application", "configure_logs"]
