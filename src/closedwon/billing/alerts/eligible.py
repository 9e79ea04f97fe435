"""Which balances an alert counts (R273, R276)."""

from collections.abc import Iterable, Iterator

import msgspec

from closedwon.billing.alerts.types import Alert, AlertFilter, AlertSpecifier, Sight
from closedwon.billing.balances.types import Balance
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit, CommitKind

COMMITS = frozenset({CommitKind.PREPAID})
CREDITS = frozenset({CommitKind.CREDIT})


class Held(msgspec.Struct, frozen=True):
    """A balance with the commit and contract it belongs to."""

    balance: Balance
    commit: Commit
    contract: Contract | None
    """None for a customer-level balance."""

    def field(self, entity: str, key: str) -> str | None:
        """Value of a custom field of the contract, or of the commit or credit; None without."""
        if entity == "Contract":
            return None if self.contract is None else self.contract.custom_fields.get(key)
        is_credit = self.commit.kind is CommitKind.CREDIT
        if entity == {True: "Commit", False: "ContractCredit"}[is_credit]:
            return None
        return self.commit.custom_fields.get(key)


def held(alert: Alert, sight: Sight, kinds: frozenset[CommitKind]) -> Iterator[Held]:
    """Active balances of ``kinds`` in the alert's unit that pass its filters (R273).

    Balances of single seats are left out.
    """
    commits = {commit.id: commit for commit in sight.bill.commits}
    contracts = {contract.id: contract for contract in sight.contracts}
    for balance in sight.bill.balances:
        commit = commits[balance.commit_id]
        found = Held(balance, commit, contracts.get(balance.contract_id or ""))
        if (
            balance.is_active
            and commit.kind in kinds
            and commit.access_credit_type_id == alert.credit_type_id
            and commit.seat_group_key is None
            and _all(found, alert.filters)
            and (not alert.specifiers or any(_selects(one, found) for one in alert.specifiers))
        ):
            yield found


def by_value(alert: Alert, found: Iterable[Held]) -> dict[str, list[Held]]:
    """Balances for the whole alert, under "", then for each value of its valueless key (R276)."""
    listed = list(found)
    groups: dict[str, list[Held]] = {"": listed}
    keys = [f for one in alert.specifiers for f in one.filters if f.value is None]
    for balance in listed:
        for one in keys[:1]:
            value = balance.field(one.entity, one.key)
            if value is not None:
                groups.setdefault(f"{one.key}={value}", []).append(balance)
    return groups


def _selects(specifier: AlertSpecifier, found: Held) -> bool:
    out = any(_all(found, group) for group in specifier.excluded if group)
    return _all(found, specifier.filters) and not out


def _all(found: Held, filters: Iterable[AlertFilter]) -> bool:
    return all(_passes(found, one) for one in filters)


def _passes(found: Held, one: AlertFilter) -> bool:
    value = found.field(one.entity, one.key)
    return value is not None and one.value in (None, value)
