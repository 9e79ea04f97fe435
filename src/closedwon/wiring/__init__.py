"""Floor 6: the only constructor of concrete things, the only reader of clock and environment."""

from closedwon.wiring.app import App, build, system_clock
from closedwon.wiring.places import share

__all__ = ["App", "build", "share", "system_clock"]
