"""What happens to balances when they end: rollover, true-up, expiration (R120-R124, R184-R191)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from oracle.biller.book import Agreement, Book
from oracle.biller.dates import FOREVER, anchor_of, nominal
from oracle.biller.drawdown import Balance
from oracle.biller.outcome import Bill, Held
from oracle.history import Commit, Payment, Segment


def roll_over(
    book: Book,
    commits: list[Commit],
    both: tuple[Agreement, Agreement],
    balances: list[Balance],
) -> list[Balance]:
    """What every unexpired segment of the old one carries to the new one (R121, R210)."""
    old, new = both
    start = new.contract.since
    found = []
    for commit in commits:
        rolled = Fraction(0)
        for balance in balances:
            own = balance.owner == old.name and balance.commit.name == commit.name
            if own and not balance.is_rollover and balance.segment.until >= start:
                held = balance.held
                held.rolled = min(held.remaining, (commit.rollover or 0) * held.granted)
                rolled += held.rolled
        if rolled:
            found.append(_rollover(book, commit, new, rolled))
    return found


def _rollover(book: Book, commit: Commit, new: Agreement, amount: Fraction) -> Balance:
    """Same terms over the new contract's life; an unmet promise is due at its end (R121, R191)."""
    name = f"{commit.name}>{new.name}"
    until = FOREVER if new.until is None else new.until
    segment = Segment(name=name, amount=amount, since=new.contract.since, until=until)
    payments: tuple[Payment, ...] = ()
    if commit.kind == "POSTPAID":
        payments = (Payment(name=f"{name}$", at=until, amount=amount),)
    taken = replace(
        commit,
        name=name,
        segments=(segment,),
        payments=payments,
        rollover=None,
        created=new.contract.since,
    )
    held = Held(granted=amount)
    held.drawn = sum((bill.drawn.get(name, Fraction(0)) for bill in book.final), Fraction(0))
    held.trued_up = final_trueup(book, name)
    return Balance(
        commit=taken,
        segment=segment,
        promised=segment,
        owner=new.name,
        is_rollover=True,
        held=held,
    )


def final_trueup(book: Book, commit: str) -> Fraction:
    """What a final true-up bills: the promise is kept, nothing can draw that any more."""
    return sum(
        (b.total for b in book.final if b.key[0] == "trueup" and b.key[2] == commit), Fraction(0)
    )


def trueups(book: Book, balances: Iterable[Balance], grace: timedelta) -> list[Bill]:
    """What postpaid promises fall short by (R187, R190), where it is not final yet."""
    found = []
    for balance in balances:
        agreement = book.agreements.get(balance.owner or "")
        if balance.commit.kind != "POSTPAID" or agreement is None:
            continue
        key = ("trueup", agreement.name, balance.commit.name, 0)
        if (
            is_awaited(agreement, balance)
            and not balance.held.trued_up
            and balance.held.remaining
            and not _waits_for_void(book, agreement, balance.segment.until)
        ):
            (payment,) = balance.commit.payments
            issued = max(payment.at, _last_statement(agreement, balance.segment.until, grace))
            bill = Bill(key=key, issued=issued, total=balance.held.remaining)
            bill.add(balance.commit.name, None, bill.total)
            bill.billed = frozenset({payment.name})
            found.append(bill)
    return found


def is_awaited(agreement: Agreement, balance: Balance) -> bool:
    """Whether a shortfall is to be invoiced at all (R124, R154)."""
    return (
        balance.commit.kind == "POSTPAID"
        and not agreement.removes_trueup
        and not balance.commit.is_silent
    )


def _waits_for_void(book: Book, agreement: Agreement, ends: datetime) -> bool:
    """A true-up waits for the last statement of its window to be made anew (R187, R284)."""
    return any(
        bill.period is not None
        and bill.key[1] == agreement.name
        and bill.period[0] < ends <= bill.period[1]
        for bill in book.void.values()
    )


def _last_statement(agreement: Agreement, ends: datetime, grace: timedelta) -> datetime:
    """When the last usage invoice that touches the access window is final (R187, R140)."""
    contract = agreement.contract
    if ends == FOREVER or ends <= contract.since:
        return ends
    for _, end in nominal(anchor_of(contract), contract.statement.frequency, contract.since):
        last = end if agreement.until is None else min(end, agreement.until)
        if last >= ends:
            return last + grace
    raise AssertionError("the grid has no end")


def expire(book: Book, balances: list[Balance], drafts: list[Bill], now: datetime) -> None:
    """Expire what ended segments have left, once no open invoice touches them (R184).

    A postpaid promise does not expire while its shortfall is still to be invoiced.
    """
    waiting = {bill.key for bill in drafts if bill.issued > now}
    due = {bill.key: bill for bill in drafts if bill.issued <= now}
    for balance in balances:
        since, until = balance.segment.since, balance.segment.until
        touched = any(
            bill.period is not None
            and balance.owner in (None, bill.key[1])
            and bill.period[0] < until
            and bill.key in waiting
            for bill in drafts
        )
        trueup = ("trueup", balance.owner or "", balance.commit.name, 0)
        if trueup in due:
            balance.held.trued_up = due[trueup].total
        agreement = book.agreements.get(balance.owner or "")
        is_open = (
            agreement is not None and is_awaited(agreement, balance) and not balance.held.trued_up
        )
        if until <= now and not touched and not is_open:
            balance.held.expired = balance.held.remaining
        assert since <= until
