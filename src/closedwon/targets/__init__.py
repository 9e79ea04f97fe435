"""Floor 3, SHELF: where terms are provisioned; every target implements ``ports.Target``."""

from closedwon.targets.embedded import EmbeddedTarget
from closedwon.targets.metronome_http import MetronomeTarget

__all__ = ["EmbeddedTarget", "MetronomeTarget"]
