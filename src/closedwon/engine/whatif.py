"""What terms would cost a customer, against the terms it has (D2)."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.account import Account, Bill, BillingSettings
from closedwon.billing.bill import bill, demands_of
from closedwon.billing.catalog.types import USD, Catalog
from closedwon.billing.contracts.edits import Amend, Change, ChangeEnd, Create, Edit, Follow
from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.usage import open_periods
from closedwon.billing.whatif.outcome import Outcome, outcome
from closedwon.billing.whatif.replay import Replay, answered, ask
from closedwon.engine import accounts
from closedwon.engine.checks import check_terms
from closedwon.engine.rate_cards import named
from closedwon.engine.types import Meter
from closedwon.kernel.calendar import add_months
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval
from closedwon.store.stores import Stores

MONTHS_MAX = 60
"""Longest look back and ahead."""
PROPOSED = "what-if"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Terms to try on a customer: a new contract, or more terms for one it has."""

    customer_id: str
    contract_id: str
    """Of the contract that an Amend extends; a Create may name any id."""
    change: Create | Amend
    usage_months: int = 3
    """Full months before now whose usage repeats."""
    months: int = 12
    """Calendar months to look ahead, from the start of the terms."""

    def __post_init__(self) -> None:
        if not (1 <= self.usage_months <= MONTHS_MAX and 1 <= self.months <= MONTHS_MAX):
            raise Refused(f"months lie in 1..{MONTHS_MAX}")


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The proposed terms and today's, over the same usage."""

    span: Interval
    credit_type_id: str
    proposed: Outcome
    today: Outcome


class Analyst:
    """Bills time to come; stores nothing."""

    def __init__(self, stores: Stores, meter: Meter, settings: BillingSettings) -> None:
        self._stores = stores
        self._meter = meter
        self._settings = settings

    def compare(self, question: Question, catalog: Catalog, now: datetime) -> Comparison:
        """Both outcomes; raises NotFound, or Refused for terms that could not be signed.

        Today's contracts go on at their terms when they would end sooner; without a transition the
        proposed contract takes the place of those that are active when it starts.
        """
        account = accounts.account(self._stores, question.customer_id).at(now)
        since = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        start = since
        if isinstance(question.change, Create):
            start = max(since, question.change.term.start)
        first = start.replace(day=1, hour=0)
        span = Interval(first, add_months(first, question.months))
        replay = Replay(since=since, months=question.usage_months)
        proposed, card_id = self._proposed(account, question, catalog, now)
        kind = catalog.rate_cards[card_id].fiat_credit_type_id if card_id else USD
        made = [
            self._bill(one, catalog, replay, span)
            for one in (proposed, self._going_on(account, span, now))
        ]
        return Comparison(
            span=span,
            credit_type_id=kind,
            proposed=outcome(made[0], kind, span),
            today=outcome(made[1], kind, span),
        )

    def _bill(self, account: Account, catalog: Catalog, replay: Replay, span: Interval) -> Bill:
        """The ordinary bill at the end of ``span``, over usage that repeats."""
        periods = tuple(open_periods(account, catalog, span.until))
        demands = list(demands_of(periods))
        asked = ask(demands, replay)
        found = self._meter.measure(one.demand for group in asked.values() for one in group)
        quantities = {one.key: answered(one, asked[one.key], found) for one in demands}
        return bill(account, catalog, quantities, span.until, self._settings, periods)

    def _proposed(
        self, account: Account, question: Question, catalog: Catalog, now: datetime
    ) -> tuple[Account, str | None]:
        contracts = {contract.id: contract for contract in account.contracts}
        change = question.change
        if isinstance(change, Amend):
            if question.contract_id not in contracts:
                raise NotFound("no such contract to amend", contract=question.contract_id)
            amended = self._edited(question.contract_id, change, now)
            check_terms(catalog, change.terms, amended.prioritization)
            contracts[amended.id] = amended
            return replace(account, contracts=tuple(contracts.values())), amended.rate_card_id
        card_id = named(self._stores, catalog, change.rate_card_id, change.term.start)
        change = replace(change, rate_card_id=card_id)
        check_terms(catalog, change.terms, change.prioritization)
        new = contract_of([_edit(question.contract_id, 0, change, now)])
        for old in account.contracts:
            contracts[old.id] = self._followed(old, new, now)
        contracts[new.id] = new
        return replace(account, contracts=tuple(contracts.values())), new.rate_card_id

    def _followed(self, old: Contract, new: Contract, now: datetime) -> Contract:
        """``old`` as it is once ``new`` is signed."""
        start = new.term.start
        if new.transition is not None and new.transition.from_contract_id == old.id:
            change = Follow(transition=new.transition, to_contract_id=new.id, at=start)
            return self._edited(old.id, change, now)
        if new.transition is None and old.term.covers(start) and old.term.start < start:
            return self._edited(old.id, ChangeEnd(ending_before=start), now)
        return old

    def _going_on(self, account: Account, span: Interval, now: datetime) -> Account:
        """The account with the contracts of today going on to the end of ``span``."""
        return replace(
            account,
            contracts=tuple(
                self._edited(one.id, ChangeEnd(ending_before=None), now)
                if one.term.covers(now) and one.term.until < span.until and not one.followed_by
                else one
                for one in account.contracts
            ),
        )

    def _edited(self, contract_id: str, change: Change, now: datetime) -> Contract:
        edits = self._stores.contracts.edits(contract_id)
        return contract_of([*edits, _edit(contract_id, len(edits), change, now)])


def _edit(contract_id: str, number: int, change: Change, now: datetime) -> Edit:
    return Edit(
        id=derive(PROPOSED, contract_id, str(number)),
        contract_id=contract_id,
        at=now,
        by=PROPOSED,
        change=change,
    )
