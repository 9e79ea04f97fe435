"""What the world knows after some steps: contracts, catalogue, events, and what is final."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction

from oracle.biller.outcome import Bill, Key
from oracle.changes import (
    Add,
    Adjust,
    Drop,
    End,
    Grant,
    Redefine,
    Reprice,
    Retune,
    Route,
    Sign,
    Step,
    Use,
)
from oracle.history import (
    Catalogue,
    Charge,
    Commit,
    Contract,
    Definition,
    Event,
    Filter,
    Override,
    Payment,
    Product,
    Rate,
    Recurring,
    Terms,
)


@dataclass(kw_only=True)
class Agreement:
    """One contract as it stands; terms in the order they were added."""

    contract: Contract
    created: datetime
    until: datetime | None
    commits: list[Commit] = field(default_factory=list)
    overrides: list[Override] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    recurring: list[Recurring] = field(default_factory=list)
    born: dict[str, dict[datetime, Commit]] = field(default_factory=dict)
    """By generator and start, children that had begun when something about it changed (R114)."""
    tuned: dict[str, datetime] = field(default_factory=dict)
    """When it last changed."""
    filters: list[Filter] = field(default_factory=list)
    removes_trueup: bool = False

    @property
    def name(self) -> str:
        return self.contract.name


@dataclass(kw_only=True)
class Goods:
    """A product with every definition it has had, by instant."""

    product: Product
    definitions: list[Definition]

    def at(self, instant: datetime) -> Definition:
        """The definition in force; before the first one, the first one (R48)."""
        begun = [d for d in self.definitions if d.since <= instant]
        return begun[-1] if begun else self.definitions[0]


@dataclass(kw_only=True)
class Book:
    """Everything a bill depends on (R12)."""

    catalogue: Catalogue
    agreements: dict[str, Agreement] = field(default_factory=dict)
    goods: dict[str, Goods] = field(default_factory=dict)
    rates: list[Rate] = field(default_factory=list)
    grants: list[Commit] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    manual: list[tuple[str, Fraction]] = field(default_factory=list)
    final: list[Bill] = field(default_factory=list)
    """Finalized, not voided invoices, as they were frozen."""
    void: dict[Key, Bill] = field(default_factory=dict)
    """Voided and not made anew (R283, R284)."""
    id_of: Callable[[str], str] = str
    """Ids decide between balances that are equal in everything else (R168, R169)."""

    def __post_init__(self) -> None:
        self.rates = list(self.catalogue.rates)
        for product in self.catalogue.products:
            self.goods[product.name] = Goods(product=product, definitions=list(product.definitions))

    def commits(self) -> list[Commit]:
        """Every commit and credit anyone holds, rollovers aside."""
        return [c for a in self.agreements.values() for c in a.commits] + self.grants

    def learn(self, step: Step) -> None:  # noqa: C901, PLR0912 - one case per kind of change
        """Take in everything but finalization, which is the biller's."""
        change = step.change
        match change:
            case Sign():
                self._sign(change.contract, step.at)
            case Add():
                _add(self.agreements[change.contract], change.terms)
            case Drop():
                agreement = self.agreements[change.contract]
                gone = set(change.overrides)
                agreement.overrides = [o for o in agreement.overrides if o.name not in gone]
            case End():
                _end(self.agreements[change.contract], change.until)
            case Route():
                _route(self.agreements[change.contract], change.filter)
            case Retune(recurring=new):
                listed = self.agreements[change.contract].recurring
                listed[:] = [new if old.name == new.name else old for old in listed]
            case Grant():
                self.grants.append(change.commit)
            case Reprice():
                self.rates += change.rates
            case Redefine():
                self._redefine(change.product, change.definition)
            case Use():
                known = {event.id for event in self.events}
                for event in change.events:
                    if event.id not in known:
                        known.add(event.id)
                        self.events.append(event)
            case Adjust():
                self.manual.append((change.segment, change.amount))
            case _:
                pass

    def _sign(self, contract: Contract, now: datetime) -> None:
        agreement = Agreement(contract=contract, created=now, until=contract.until)
        if contract.filter is not None:
            agreement.filters.append(contract.filter)
        self.agreements[contract.name] = agreement
        _add(agreement, contract.terms)
        if contract.follows is not None:
            old = self.agreements[contract.follows]
            if old.until is None or old.until > contract.since:
                _end(old, contract.since)
            _unschedule(old, contract.since)
            old.removes_trueup = contract.removes_trueup or contract.is_supersede

    def _redefine(self, name: str, definition: Definition) -> None:
        goods = self.goods[name]
        others = [d for d in goods.definitions if d.since != definition.since]
        goods.definitions = sorted([*others, definition], key=lambda d: d.since)


def _add(agreement: Agreement, terms: Terms) -> None:
    agreement.commits += terms.commits
    agreement.overrides += terms.overrides
    agreement.charges += terms.charges
    agreement.recurring += terms.recurring


def _route(agreement: Agreement, new: Filter) -> None:
    others = [f for f in agreement.filters if f.since != new.since]
    agreement.filters = sorted([*others, new], key=lambda f: f.since)


def _end(agreement: Agreement, until: datetime | None) -> None:
    """A later end moves the term alone (R118); an earlier one unschedules what lies beyond (R117).

    Segments keep the windows they were promised with: their balance ends with the contract anyway.
    """
    if until is not None and (agreement.until is None or until < agreement.until):
        _unschedule(agreement, until)
    agreement.until = until


def _unschedule(agreement: Agreement, at: datetime) -> None:
    """Scheduled points from ``at`` on are gone; a true-up is none of them (R117, R120, R124)."""
    agreement.commits = [
        commit
        if commit.kind == "POSTPAID"
        else replace(commit, payments=_before(commit.payments, at))
        for commit in agreement.commits
    ]
    agreement.charges = [
        replace(charge, payments=_before(charge.payments, at)) for charge in agreement.charges
    ]


def _before(payments: tuple[Payment, ...], at: datetime) -> tuple[Payment, ...]:
    return tuple(payment for payment in payments if payment.at < at)
