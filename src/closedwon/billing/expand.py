"""Contracts with the commits their generators have made by now (R201-R210)."""

from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.account import Account
from closedwon.billing.balances.recurring import children
from closedwon.billing.contracts.state import Contract


def lived(account: Account, now: datetime) -> Account:
    """The account with every child commit of its contracts; asked twice, nothing is added twice."""
    if not any(contract.recurring for contract in account.contracts):
        return account
    return replace(
        account, contracts=tuple(with_children(contract, now) for contract in account.contracts)
    )


def with_children(contract: Contract, now: datetime) -> Contract:
    """The contract with its generators' children among its commits, explained by their edit."""
    if not contract.recurring:
        return contract
    known = {commit.id for commit in contract.commits}
    new = tuple(child for child in children(contract, now) if child.id not in known)
    edits = {child.id: contract.edit_of[child.recurring_id] for child in new if child.recurring_id}
    return replace(contract, commits=contract.commits + new, edit_of={**contract.edit_of, **edits})
