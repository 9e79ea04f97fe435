"""The whole bill of a customer at an instant, and what becomes final of it (R12, R14, R98, R140)."""

from datetime import datetime, timedelta
from fractions import Fraction

from oracle.biller.book import Agreement, Book
from oracle.biller.closing import expire, final_trueup, roll_over, trueups
from oracle.biller.dates import statements
from oracle.biller.drawdown import Balance
from oracle.biller.outcome import Bill, Held, Key, Outcome
from oracle.biller.recurring import children, keep_born
from oracle.biller.usage import draw_up
from oracle.changes import End, Finalize, Regenerate, Retune, Sign, Step, Void
from oracle.history import Commit, Segment

GRACE = timedelta(hours=24)


class Biller:
    """Follows a history step by step; ``outcome`` says what is owed and held."""

    def __init__(self, book: Book) -> None:
        self.book = book

    def take(self, step: Step) -> None:
        change = step.change
        match change:
            case Finalize():
                self.finalize(step.at)
            case Void():
                self._void(("usage", change.contract, change.start, 0))
            case Regenerate():
                self._regenerate(("usage", change.contract, change.start, 0), step.at)
            case _:
                self._learn(step)

    def _learn(self, step: Step) -> None:
        change, agreements = step.change, self.book.agreements
        if isinstance(change, End | Retune):
            keep_born(agreements[change.contract], step.at)
        elif isinstance(change, Sign) and change.contract.follows is not None:
            keep_born(agreements[change.contract.follows], step.at)
        self.book.learn(step)

    def finalize(self, now: datetime) -> None:
        """Freeze every open invoice whose date has come (R130, R151)."""
        open_bills, _ = self._bill(now)
        self.book.final += [bill for bill in open_bills if bill.issued <= now]

    def _void(self, key: Key) -> None:
        """What it drew returns; its period is billed again by regeneration only (R196, R283)."""
        (gone,) = [bill for bill in self.book.final if bill.key == key]
        self.book.final.remove(gone)
        self.book.void[key] = gone

    def _regenerate(self, key: Key, now: datetime) -> None:
        """The period is billed with what is known now, and final at once (R284)."""
        del self.book.void[key]
        open_bills, _ = self._bill(now)
        (made,) = [bill for bill in open_bills if bill.key == key]
        made.issued = now
        self.book.final.append(made)

    def outcome(self, now: datetime) -> Outcome:
        open_bills, balances = self._bill(now)
        bills: dict[Key, Bill] = {bill.key: bill for bill in self.book.final}
        for bill in open_bills:
            assert bill.key not in bills, bill.key
            bills[bill.key] = bill
        return Outcome(bills=bills, held={b.segment.name: b.held for b in balances})

    def _bill(self, now: datetime) -> tuple[list[Bill], list[Balance]]:
        """Open invoices and every balance.

        Deductions of final invoices are taken first, for nothing may take them back (R12, R14); then
        open periods draw in processing order, and a renewal rolls over when its turn has come.
        """
        book = self.book
        balances = self._balances(now)
        waiting = {n: a for n, a in book.agreements.items() if a.contract.follows is not None}
        found: list[Bill] = []
        for at, agreement, period in self._turns(now):
            self._renew(waiting, balances, at, now)
            key = ("usage", agreement.name, period[0], 0)
            if key not in book.void and all(bill.key != key for bill in book.final):
                issued = period[1] + GRACE
                found.append(draw_up(book, agreement, period, issued, balances))
        self._renew(waiting, balances, now + timedelta(hours=1), now)
        found += self._scheduled(now)
        found += trueups(book, balances, GRACE)
        found = consolidated(book, found)
        expire(book, balances, found, now)
        return found, balances

    def _turns(self, now: datetime) -> list[tuple[datetime, Agreement, tuple[datetime, datetime]]]:
        """Usage periods by end, then start, then age of the contract (R14)."""
        turns = [
            (period[1], agreement, period)
            for agreement in self.book.agreements.values()
            for period in statements(agreement.contract, agreement.until, now)
        ]
        return sorted(turns, key=lambda turn: (turn[2][1], turn[2][0], turn[1].created))

    def _renew(
        self,
        waiting: dict[str, Agreement],
        balances: list[Balance],
        before: datetime,
        now: datetime,
    ) -> None:
        """Roll over for contracts that have begun, once everything ending by then is billed."""
        for name, new in sorted(waiting.items(), key=lambda pair: pair[1].contract.since):
            if new.contract.since < before and new.contract.since <= now:
                del waiting[name]
                if not new.contract.is_supersede:
                    assert new.contract.follows is not None
                    old = self.book.agreements[new.contract.follows]
                    balances += roll_over(self.book, promised(old, now), (old, new), balances)

    def _balances(self, now: datetime) -> list[Balance]:
        """A balance for every segment, with manual entries and final deductions booked."""
        found = [
            _balance(commit, segment, agreement.name, agreement.until)
            for agreement in self.book.agreements.values()
            for commit in promised(agreement, now)
            for segment in commit.segments
        ]
        found += [_balance(c, s, None, None) for c in self.book.grants for s in c.segments]
        for balance in found:
            name = balance.segment.name
            balance.held.adjusted = sum(
                (amount for segment, amount in self.book.manual if segment == name), Fraction(0)
            )
            balance.held.drawn = final_draws(self.book, name)
            balance.held.trued_up = final_trueup(self.book, balance.commit.name)
        return found

    def _scheduled(self, now: datetime) -> list[Bill]:
        """Points not invoiced yet, by contract and instant (R148-R151, R154, R182)."""
        final = self.book.final
        found: dict[Key, Bill] = {}
        for agreement in self.book.agreements.values():
            billed = {
                name
                for bill in [*final, *self.book.void.values()]
                if bill.key[1] == agreement.name
                for name in bill.billed
            }
            points = [
                (payment, commit.name)
                for commit in promised(agreement, now)
                if commit.kind == "PREPAID" and not commit.is_silent
                for payment in commit.payments
            ]
            points += [(p, charge.name) for charge in agreement.charges for p in charge.payments]
            for payment, name in points:
                if payment.name in billed:
                    continue
                start = ("scheduled", agreement.name, payment.at)
                key = (*start, sum(bill.key[:3] == start for bill in final))
                bill = found.setdefault(key, Bill(key=key, issued=payment.at))
                bill.add(name, None, payment.amount)
                bill.total += payment.amount
                bill.billed |= {payment.name}
        return list(found.values())


def consolidated(book: Book, found: list[Bill]) -> list[Bill]:
    """Charges of the day a statement ends move onto it, where the contract says so (R155).

    Of two statements that end on one day it is the first one: it is final first.
    """
    kept: list[Bill] = []
    for bill in found:
        hosts = [
            other
            for other in found
            if other.period is not None
            and other.key[1] == bill.key[1]
            and other.period[1].date() == bill.issued.date()
            and book.agreements[bill.key[1]].contract.is_consolidated
        ]
        if bill.key[0] != "scheduled" or not hosts:
            kept.append(bill)
            continue
        host = min(hosts, key=lambda other: other.period or (bill.issued, bill.issued))
        for (name, _), amount in bill.lines.items():
            host.add(name, None, amount)
        host.total += bill.total
        host.billed |= bill.billed
    return kept


def promised(agreement: Agreement, now: datetime) -> list[Commit]:
    """Its own commits and credits and the children of its generators."""
    return agreement.commits + children(agreement, now)


def final_draws(book: Book, segment: str) -> Fraction:
    return sum((bill.drawn.get(segment, Fraction(0)) for bill in book.final), Fraction(0))


def _balance(
    commit: Commit, segment: Segment, owner: str | None, until: datetime | None
) -> Balance:
    """A balance lives no longer than its contract (R117)."""
    cut = segment
    if until is not None:
        cut = Segment(
            name=segment.name,
            amount=segment.amount,
            since=min(segment.since, until),
            until=min(segment.until, until),
        )
    held = Held(granted=segment.amount)
    return Balance(commit=commit, segment=cut, promised=segment, owner=owner, held=held)
