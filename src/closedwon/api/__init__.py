"""Floor 5: the wire. Metronome's paths and shapes over the engine; see README.md beside this."""

from closedwon.api.answers import Unsupported
from closedwon.api.application import Options, application
from closedwon.api.clock import ManualClock
from closedwon.api.serving import check_binding, serve, serving
from closedwon.api.workers import Workers

__all__ = [
    "ManualClock",
    "Options",
    "Unsupported",
    "Workers",
    "application",
    "check_binding",
    "serve",
    "serving",
]
