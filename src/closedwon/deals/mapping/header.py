"""The contract side of a deal: what kind it is, whose contract, from when to when."""

from collections.abc import Mapping
from datetime import date, datetime

import msgspec

from closedwon.billing.contracts.edits import Create
from closedwon.billing.contracts.terms import Transition, TransitionType
from closedwon.deals.mapping.answers import (
    Answers,
    Unmappable,
    finding_of,
    listed,
    written,
)
from closedwon.deals.mapping.facts import MappingFacts, RateCardFact
from closedwon.deals.mapping.model import DealMapping
from closedwon.deals.mapping.outputs import Value
from closedwon.deals.mapping.problems import nearest
from closedwon.deals.types import CustomerTerms, DealKind, Finding, Severity
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import derive, id18
from closedwon.kernel.instant import Interval, end_of, midnight


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a deal's contract besides its terms."""

    opportunity_id: str
    quote_id: str
    kind: DealKind
    contract_id: str
    customer: CustomerTerms
    name: str
    term: Interval
    currency: str
    credit_type_id: str
    rate_card: RateCardFact | None
    """None on amendments: the contract has its own."""
    transition: Transition | None
    payment_terms_days: int | None
    custom_fields: dict[str, str]
    warnings: tuple[Finding, ...]

    def create(self) -> Create:
        """The contract without terms."""
        return Create(
            customer_id=self.customer.id,
            term=self.term,
            name=self.name,
            rate_card_id=None if self.rate_card is None else self.rate_card.id,
            transition=self.transition,
            net_payment_terms_days=self.payment_terms_days,
            custom_fields=self.custom_fields,
        )


class HeaderReader:
    """Reads the header of one deal; raises Unmappable at the first thing that cannot be."""

    def __init__(self, mapping: DealMapping, answers: Answers, facts: MappingFacts) -> None:
        self._output = mapping.contract
        self._customer = mapping.customer
        self._answers = answers
        self._facts = facts
        self._warnings: list[Finding] = []

    def header(self, opportunity_id: str) -> Header:
        """The header; ``opportunity_id`` has 18 characters."""
        kind = self._kind()
        followed = self._followed(kind, opportunity_id)
        term = self._term()
        currency, credit_type_id = self._currency()
        contract_id = derive("contract", self._facts.org_id, opportunity_id)
        if kind is DealKind.AMENDMENT and followed is not None:
            contract_id = followed
        return Header(
            opportunity_id=opportunity_id,
            quote_id=self._id(self._output.quote) if self._output.quote is not None else "",
            kind=kind,
            contract_id=contract_id,
            customer=self._customer_terms(),
            name=self._text(self._output.name),
            term=term,
            currency=currency,
            credit_type_id=credit_type_id,
            rate_card=None if kind is DealKind.AMENDMENT else self._rate_card(currency),
            transition=self._transition(followed, term) if kind is DealKind.RENEWAL else None,
            payment_terms_days=self._payment_terms(),
            custom_fields=self._fields(self._output.custom_fields),
            warnings=tuple(self._warnings),
        )

    def _kind(self) -> DealKind:
        word = self._text(self._output.kind)
        try:
            return DealKind(word)
        except ValueError as error:
            known = ", ".join(DealKind)
            message = f"contract.kind gives {word!r}, expected one of {known}"
            fix = "Correct contract.kind in the mapping file."
            raise self._stop("kind_unknown", message, fix, self._output.kind) from error

    def _followed(self, kind: DealKind, opportunity_id: str) -> str | None:
        """Id of the contract amended or renewed; None when there is none in billing."""
        if kind is DealKind.NEW:
            return None
        value = self._output.amends if kind is DealKind.AMENDMENT else self._output.renews
        followed = self._id(value) if value is not None else ""
        if followed == opportunity_id:
            message = "the deal follows a contract that it created itself"
            fix = "Point the amended or renewed contract at the original opportunity."
            raise self._stop("follows_itself", message, fix, value)
        contract_id = self._facts.contract_of.get(followed)
        if contract_id is None and kind is DealKind.AMENDMENT:
            told = f"opportunity {followed}" if followed else "a contract without an opportunity"
            message = f"it amends the contract of {told}, which is not in billing"
            fix = "Provision that opportunity first; this deal then follows by itself."
            raise self._stop("amends_unknown", message, fix, value)
        return contract_id

    def _term(self) -> Interval:
        start = self._answers.day(self._output.start, self._answers.deal)
        start = self._answers.needed(
            self._output.start, start, "the contract start", self._answers.deal
        )
        end = self._answers.day(self._output.end, self._answers.deal)
        if end is not None and end < start:
            message = f"the contract ends on {end}, before it starts on {start}"
            fix = "Correct the start date, end date or term of the quote."
            raise self._stop("ends_before_start", message, fix, self._output.end)
        return Interval(midnight(start), None if end is None else end_of(end))

    def _currency(self) -> tuple[str, str]:
        currency = self._text(self._output.currency)
        credit_type_id = self._facts.credit_types.get(currency)
        if credit_type_id is None:
            known = ", ".join(sorted(self._facts.credit_types))
            message = f"currency {currency!r} is not set up in billing; known: {known}"
            fix = "Set up the currency in billing, or correct contract.currency."
            raise self._stop("currency_unknown", message, fix, self._output.currency)
        return currency, credit_type_id

    def _rate_card(self, currency: str) -> RateCardFact | None:
        alias = self._text(self._output.rate_card)
        if not alias:
            return None
        card = self._facts.rate_cards.get(alias)
        if card is None:
            near = nearest(alias, self._facts.rate_cards)
            hint = f"; did you mean {near!r}?" if near else ""
            message = f"there is no rate card {alias!r} in billing{hint}"
            if not self._facts.rate_cards:
                self._warn("rate_card_missing", message + "; usage cannot be rated")
                return None
            fix = "Create the rate card, or correct contract.rate_card in the mapping file."
            raise self._stop("rate_card_unknown", message, fix, self._output.rate_card)
        if card.currency != currency:
            message = f"the deal is in {currency}, rate card {alias!r} in {card.currency}"
            fix = "Choose a rate card in the currency of the deal."
            raise self._stop("currency_mismatch", message, fix, self._output.currency)
        return card

    def _transition(self, followed: str | None, term: Interval) -> Transition | None:
        """RENEWAL when the new term begins where the old one ends (R375)."""
        if followed is None:
            self._warn(
                "renews_unknown",
                "it renews a contract that is not in billing; created without rollover",
            )
            return None
        end = self._old_end(followed)
        if end is None or end >= term.start:
            if end != term.start:
                until = "without end" if end is None else f"until {end:%Y-%m-%d}"
                message = f"the renewed contract runs {until}; it will end on {term.start:%Y-%m-%d}"
                self._warn("renewed_early", message)
            return Transition(type=TransitionType.RENEWAL, from_contract_id=followed)
        message = (
            f"the renewed contract ended on {end:%Y-%m-%d}, this one starts on "
            f"{term.start:%Y-%m-%d}: not on time, so nothing rolls over"
        )
        self._warn("renewed_late", message)
        return None

    def _old_end(self, followed: str) -> datetime | None:
        if followed in self._facts.contract_ends:
            return self._facts.contract_ends[followed]
        last: date | None = self._answers.day(self._output.renewed_end, self._answers.deal)
        return None if last is None else end_of(last)

    def _payment_terms(self) -> int | None:
        value = self._output.payment_terms_days
        days = self._text(value)
        if not days:
            return None
        if not days.isdecimal() or len(days) > 4:
            message = f"payment terms of {days!r} are not a number of days"
            fix = "Correct the payment terms, or the table that translates them."
            raise self._stop("payment_terms", message, fix, value)
        return int(days)

    def _customer_terms(self) -> CustomerTerms:
        account_id = self._id(self._customer.account_id)
        if not account_id:
            message, fix = "the deal has no account", "Give the opportunity an account."
            raise self._stop("no_account", message, fix, self._customer.account_id)
        return CustomerTerms(
            id=derive("customer", self._facts.org_id, account_id),
            account_id=account_id,
            name=self._text(self._customer.name) or account_id,
            ingest_aliases=listed(self._text(self._customer.aliases)),
            custom_fields=self._fields(self._customer.custom_fields),
        )

    def _fields(self, values: Mapping[str, Value]) -> dict[str, str]:
        asked = {name: self._text(value) for name, value in values.items()}
        return {name: text for name, text in asked.items() if text}

    def _id(self, value: Value | None) -> str:
        text = self._text(value)
        try:
            return id18(text) if text else ""
        except Refused as error:
            raise self._stop("bad_id", str(error.message), "Read the deal again.", value) from error

    def _text(self, value: Value | None) -> str:
        return self._answers.text(value, self._answers.deal)

    def _stop(self, code: str, message: str, fix: str, value: Value | None) -> Unmappable:
        return Unmappable(finding_of(code, message, fix, self._answers.deal, value))

    def _warn(self, code: str, message: str) -> None:
        self._warnings.append(
            Finding(
                code=code,
                message=message,
                fix="Nothing to do if this is meant.",
                record_id=written(self._answers.deal.get("Id")),
                place=str(self._output.spot),
                severity=Severity.WARN,
            )
        )
