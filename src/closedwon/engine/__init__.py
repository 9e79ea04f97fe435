"""Floor 3: the embedded billing engine as a library; one transaction per command."""

from closedwon.engine.engine import Engine
from closedwon.engine.types import Cause, Explanation, FinalizeReport, Meter

__all__ = ["Cause", "Engine", "Explanation", "FinalizeReport", "Meter"]
