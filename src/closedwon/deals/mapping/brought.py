"""The terms that the groups of one deal bring, as they come together."""

from collections.abc import Iterator
from typing import assert_never

from closedwon.billing.contracts.edits import Added
from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import Commit, ScheduledCharge
from closedwon.deals.mapping.charges import Charges
from closedwon.deals.mapping.commits import Commits
from closedwon.deals.mapping.deal_terms import DealTerms, Group
from closedwon.deals.mapping.outputs import (
    ChargeOutput,
    CommitOutput,
    OverrideOutput,
    RecurringOutput,
    SubscriptionOutput,
)
from closedwon.deals.mapping.overrides import Overrides
from closedwon.deals.mapping.recurring import RecurringBalances
from closedwon.deals.mapping.subscriptions import Subscriptions
from closedwon.deals.types import Finding, QuantityChange


class Brought:
    """Collects terms, group by group."""

    def __init__(self, ground: DealTerms) -> None:
        self.ground = ground
        self._commits: list[Commit] = []
        self._overrides: list[Override] = []
        self._charges: list[ScheduledCharge] = []
        self._recurring: list[tuple[RecurringCommit, RecurringOutput, Group]] = []
        self._subscriptions: list[Subscription] = []
        self._changes: list[QuantityChange] = []

    def bring(self, group: Group) -> None:
        """Build every output of the group's rule; raises Unmappable for the first that fails."""
        ground = self.ground
        for output in group.rule.outputs:
            match output:
                case CommitOutput():
                    self._commits.append(Commits(ground).commit(output, group))
                case OverrideOutput():
                    self._overrides.append(Overrides(ground).override(output, group))
                case ChargeOutput():
                    self._charges.append(Charges(ground).charge(output, group))
                case SubscriptionOutput():
                    self._subscribe(output, group)
                case RecurringOutput():
                    found = RecurringBalances(ground).recurring(output, group)
                    self._recurring.append((found, output, group))
                case _:
                    assert_never(output)

    def added(self) -> Added:
        """All terms, each kind in the order of time."""
        return Added(
            commits=tuple(
                sorted(self._commits, key=lambda one: (one.segments[0].window.start, one.id))
            ),
            overrides=tuple(sorted(self._overrides, key=lambda one: (one.window.start, one.id))),
            charges=tuple(sorted(self._charges, key=lambda one: (one.items[0].timestamp, one.id))),
            recurring=tuple(
                sorted(
                    (one for one, _, _ in self._recurring),
                    key=lambda one: (one.window.start, one.id),
                )
            ),
            subscriptions=tuple(
                sorted(self._subscriptions, key=lambda one: (one.window.start, one.id))
            ),
        )

    def changes(self) -> tuple[QuantityChange, ...]:
        """What subscriptions of the amended contract get more or less, in the order of time."""
        ordered = sorted(self._changes, key=lambda one: (one.starting_at, one.subscription_id))
        return tuple(one for one in ordered if one.delta)

    def unlinked(self) -> Iterator[Finding]:
        """Balances that follow seats of a subscription neither deal nor contract has."""
        contract = self.ground.facts.contracts.get(self.ground.header.contract_id)
        known = {one.id for one in self._subscriptions}
        known |= {one.id for one in contract.subscriptions} if contract is not None else set()
        for term, output, group in self._recurring:
            if term.seats is not None and term.seats.subscription_id not in known:
                message = f"{term.name} follows the seats of a subscription that is not there"
                fix = "Give it the key of a subscription of this deal, or of its contract."
                value = None if output.seats is None else output.seats.key
                yield self.ground.stop("subscription_unknown", message, fix, group, value).finding

    def _subscribe(self, output: SubscriptionOutput, group: Group) -> None:
        sold = Subscriptions(self.ground).sold(output, group)
        if sold.change is not None:
            self._changes.append(sold.change)
        if sold.subscription is None:
            return
        if sold.subscription.id in {one.id for one in self._subscriptions}:
            message = "two terms of the deal are the same subscription"
            fix = "Group their rows, or give them keys of their own."
            raise self.ground.stop("subscription_twice", message, fix, group, output.key)
        self._subscriptions.append(sold.subscription)
        if sold.rate is not None:
            self._overrides.append(sold.rate)
