"""Custom fields a change sets, by kind of entity (R364)."""

from collections.abc import Iterator, Mapping

from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Create, Revise
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.terms import Commit, CommitKind

Fields = tuple[str, Mapping[str, str]]


def custom_fields(change: Create | Amend | Revise | ChangeEnd) -> Iterator[Fields]:
    """(entity as the wire names it, fields) of the contract and of each of its terms."""
    if isinstance(change, ChangeEnd):
        return
    yield "contract", change.custom_fields
    for added in _added(change):
        balances: tuple[Commit | RecurringCommit, ...] = (*added.commits, *added.recurring)
        for balance in balances:
            is_credit = balance.kind is CommitKind.CREDIT
            yield "contract_credit" if is_credit else "commit", balance.custom_fields
        for charge in added.charges:
            yield "scheduled_charge", charge.custom_fields
        for sold in added.subscriptions:
            yield "subscription", sold.custom_fields


def _added(change: Create | Amend | Revise) -> Iterator[Added]:
    if isinstance(change, Revise):
        yield change.add
        yield change.replace
    else:
        yield change.terms
