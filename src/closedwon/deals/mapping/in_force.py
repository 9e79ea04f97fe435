"""Which of several mappings a deal is read by: an old deal keeps the rules of its time."""

from collections.abc import Iterable
from datetime import date

from closedwon.deals.mapping.model import DealMapping


def in_force(mappings: Iterable[DealMapping], closed_on: date) -> DealMapping | None:
    """The mapping with the latest ``effective_from`` not after ``closed_on``; None without one.

    A mapping without ``effective_from`` holds from the beginning; of equals the last one wins.
    """
    held = [
        one for one in mappings if one.effective_from is None or one.effective_from <= closed_on
    ]
    return max(reversed(held), key=lambda one: one.effective_from or date.min, default=None)
