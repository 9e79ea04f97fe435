"""Terms as the SDK takes them: schedules, overrides and the like, amounts in the wire's unit."""

from typing import Any

from billing.world import at


def access(*rows: tuple[float, str, str]) -> Any:
    """Windows as (amount, from, until)."""
    return {
        "schedule_items": [
            {"amount": amount, "starting_at": at(start), "ending_before": at(end)}
            for amount, start, end in rows
        ]
    }


def paid(*rows: tuple[float, str]) -> Any:
    """Payments as (amount, day)."""
    return {"schedule_items": [{"amount": amount, "timestamp": at(day)} for amount, day in rows]}


def multiplier(factor: float, tag: str, since: str) -> Any:
    """An override of everything with the tag."""
    return {
        "starting_at": at(since),
        "type": "MULTIPLIER",
        "multiplier": factor,
        "applicable_product_tags": [tag],
    }
