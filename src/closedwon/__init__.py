"""closedwon: from a closed-won opportunity to a billed, reconciled contract, and back."""

__version__ = "0.1.0"
