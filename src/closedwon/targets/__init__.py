"""Floor 3, SHELF: where terms are provisioned; every target implements ``ports.Target``."""

from closedwon.targets.embedded import EmbeddedTarget

__all__ = ["EmbeddedTarget"]
