"""Terms of every kind a contract can have, told apart (design 8)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, assert_never

from closedwon.billing.contracts.edits import Added
from closedwon.billing.contracts.gated import Discount
from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import Commit, ScheduledCharge

Term = Commit | Override | ScheduledCharge | RecurringCommit | Subscription | Discount
"""Services and royalties are written by hand only; no deal brings any."""
KINDS: dict[str, type[Term]] = {
    "commits": Commit,
    "overrides": Override,
    "charges": ScheduledCharge,
    "recurring": RecurringCommit,
    "subscriptions": Subscription,
    "discounts": Discount,
}
"""Name in a bundle and on a contract -> kind."""


def contract_terms(contract: Contract) -> tuple[Term, ...]:
    """Every term of a contract, rollover commits aside."""
    terms: tuple[Term, ...] = tuple(term for name in KINDS for term in getattr(contract, name))
    return tuple(
        term for term in terms if not isinstance(term, Commit) or term.rolled_over_from is None
    )


def all_terms(added: Added) -> tuple[Term, ...]:
    """Every term of a bundle."""
    return tuple(term for name in KINDS for term in getattr(added, name))


def bundle(terms: Iterable[Term]) -> Added:
    """Terms sorted into a bundle, in their order."""
    listed = tuple(terms)
    kinds: dict[str, Any] = {
        name: tuple(term for term in listed if isinstance(term, kind))
        for name, kind in KINDS.items()
    }
    return Added(**kinds)


def starts_at(term: Term) -> datetime:
    """The earliest instant a term says something about."""
    match term:
        case Commit():
            return min(segment.window.start for segment in term.segments)
        case ScheduledCharge() | Discount():
            return min(item.timestamp for item in term.items)
        case Override() | RecurringCommit() | Subscription():
            return term.window.start
        case _:
            assert_never(term)
