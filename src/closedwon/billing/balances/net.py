"""One number for what a customer has left (R195, R199)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from closedwon.billing.account import Bill
from closedwon.billing.balances.seats import contract_level
from closedwon.billing.balances.types import Balance
from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.kernel.exact import ZERO


class BalanceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Balances that meet every condition given; one that gives none matches all (R199)."""

    kinds: tuple[CommitKind, ...] = ()
    ids: tuple[str, ...] = ()
    custom_fields: Mapping[str, str] = {}

    def matches(self, commit: Commit, fields: Mapping[str, str]) -> bool:
        """Whether a commit with these current custom fields is meant."""
        return (
            (not self.kinds or commit.kind in self.kinds)
            and (not self.ids or commit.id in self.ids)
            and self.custom_fields.items() <= fields.items()
        )


def net_balance(
    bill: Bill,
    fields: Mapping[str, Mapping[str, str]],
    credit_type_id: str = USD,
    filters: Iterable[BalanceFilter] = (),
    *,
    with_drafts: bool = True,
) -> Decimal:
    """What is left in the wire unit of a credit type, over balances that match any filter (R199).

    Only segments that run at the bill's instant count (R195); one that went negative counts as
    zero, and what single seats own is nobody else's (R230). ``with_drafts`` takes off what open
    invoices use. ``fields`` are custom fields by commit.
    """
    asked = tuple(filters) or (BalanceFilter(),)
    meant = {
        commit.id
        for commit in bill.commits
        if commit.access_credit_type_id == credit_type_id
        and any(one.matches(commit, fields.get(commit.id, {})) for one in asked)
    }
    shared = contract_level(bill.balances)
    active = (found for found in shared if found.is_active and found.commit_id in meant)
    return sum((_left(found, with_drafts=with_drafts) for found in active), ZERO)


def _left(balance: Balance, *, with_drafts: bool) -> Decimal:
    if with_drafts:
        return balance.remaining
    gone = balance.used_final + balance.rolled + balance.expired + balance.trued_up
    return max(balance.granted + balance.adjusted - gone, ZERO)
