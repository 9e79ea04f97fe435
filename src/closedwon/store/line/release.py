"""The operator's verb: let a parked deal or row try again (G13)."""

from datetime import datetime

from closedwon.kernel.errors import NotFound
from closedwon.store.line import LineStore


def release(store: LineStore, subject: str, by: str, now: datetime) -> str:
    """Let ``subject`` (opportunity id or pushed key) go on; returns the step it waits for now.

    A held plan is let through as it stands; anything else starts with a fresh read of the deal.
    Joins the caller's transaction. Raises NotFound when nothing of that name is parked.
    """
    if not store.parked.release(subject, by, now):
        raise NotFound("nothing of that name is parked", subject=subject)
    row = store.deals.find(subject)
    if row is None:
        store.pushes.resend(subject)
        return "push"
    step = "apply" if store.plans.release(subject, by, now) else "assemble"
    store.deals.released(row, step, now)
    return step
