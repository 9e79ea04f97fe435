"""Steps of a history, one after the other, each allowed by the reference where it stands."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from random import Random  # noqa: TID251 - the type; callers hand in a seeded one

from oracle.biller.book import Agreement, Book
from oracle.changes import (
    Add,
    Adjust,
    Change,
    Crash,
    Drop,
    End,
    Finalize,
    Grant,
    Redefine,
    Regenerate,
    Reprice,
    Retune,
    Route,
    Sign,
    Step,
    Use,
    Void,
)
from oracle.generate import DAY, FEATURES, HOUR
from oracle.history import Contract, Filter, Recurring, Terms
from oracle.terms import TermMaker


class Story:
    """What may happen next to a customer whose ``book`` others keep."""

    def __init__(
        self, random: Random, *, features: frozenset[str] = FEATURES, has_grants: bool = True
    ) -> None:
        self.make = TermMaker(random, features)
        self.random = random
        self.has_grants = has_grants
        self.catalogue = self.make.catalogue()
        self.now = self.make.start - 5 * DAY
        self.book = Book(catalogue=self.catalogue)
        """Kept by whoever plays the story, so that it knows what is final."""

    def steps(self, count: int) -> Iterator[Step]:
        """A first contract, ``count`` changes, and a last look after everything ended."""
        yield self.step(self.first())
        for _ in range(count):
            self.wait()
            yield self.step(self.change())
        self.now += 500 * DAY
        yield self.step(Finalize())

    def first(self) -> Change:
        return Sign(contract=self._contract())

    def turn(self, random: Random, hours: int) -> None:
        """Time passes, and further draws come from ``random``."""
        self.random = self.make.random = random
        self.now += hours * HOUR

    def step(self, change: Change) -> Step:
        return Step(at=self.now, change=change)

    def wait(self) -> None:
        self.now += self.random.choice((0, 0, 1, 12, 24, 24 * 7, 24 * 20, 24 * 31)) * HOUR

    def change(self) -> Change:
        """Usage and finalization are frequent, the rest is drawn evenly."""
        if self.book.void and self.make.chance(40):
            return self.regenerate() or Finalize()
        pick = self.random.randrange(100)
        if pick < 35:
            return self.use()
        if pick < 60:
            return Finalize()
        others: list[Callable[[], Change | None]] = [
            self.add,
            self.add,
            self.drop,
            self.end,
            self.route,
            self.reprice,
            self.redefine,
            self.adjust,
            self.retune,
            self.renew,
            self.renew,
            self.sign,
            self.grant,
            self.void,
            self.regenerate,
            Crash,
        ]
        return self.random.choice(others)() or self.use()

    def use(self) -> Change:
        events = [
            self.make.event(self.now, self.catalogue) for _ in range(self.random.randrange(1, 9))
        ]
        if self.book.events and self.make.chance(30):
            events.append(self.random.choice(self.book.events))
        return Use(events=tuple(events))

    def terms(self, *, is_explicit: bool, low: int, high: int) -> Terms:
        make, products = self.make, self.catalogue.products
        commits = tuple(
            make.commit(products, low, high, self.now) for _ in range(self.random.randrange(3))
        )
        names = [commit.name for commit in (*commits, *self.book.commits())]
        return Terms(
            commits=commits,
            overrides=tuple(
                make.override(products, (low, high), is_explicit=is_explicit, names=names)
                for _ in range(self.random.choice((0, 1, 2, 5)))
            ),
            charges=tuple(make.charge() for _ in range(self.random.randrange(2))),
            recurring=self._generators(low, high),
        )

    def _generators(self, low: int, high: int) -> tuple[Recurring, ...]:
        make = self.make
        if "recurring" not in make.features or not make.chance(30):
            return ()
        return tuple(
            make.recurring(self.catalogue.products, low, high)
            for _ in range(self.random.randrange(1, 3))
        )

    def _contract(self, since: datetime | None = None, **more: object) -> Contract:
        make = self.make
        start = make.start if since is None else since
        length = self.random.choice((20, 31, 90, 180, 200))
        is_explicit = make.chance(30)
        offset = (start - make.start).days
        terms = self.terms(is_explicit=is_explicit, low=offset, high=offset + length)
        statement = make.statement()
        if "seats" in make.features and statement.billed_from is None and make.chance(30):
            terms = replace(terms, subscriptions=(make.subscription(start),))
        has_card = bool(terms.subscriptions) or not make.chance(3)
        return Contract(
            name=make.name("k"),
            since=start,
            until=None
            if make.chance(15)
            else start + length * DAY + self.random.choice((0, 5)) * HOUR,
            terms=terms,
            statement=statement,
            filter=self._filter(start) if make.chance(15) else None,
            is_explicit=is_explicit,
            has_card=has_card,
            is_consolidated="consolidation" in make.features and make.chance(20),
            **more,  # type: ignore[arg-type]
        )

    def _filter(self, since: datetime) -> Filter:
        values = self.random.sample(("us", "eu", "ap"), self.random.randrange(1, 3))
        return Filter(key="region", values=tuple(values), since=since)

    def _any(self) -> Agreement:
        return self.random.choice(list(self.book.agreements.values()))

    def _days(self) -> int:
        return (self.now - self.make.start).days

    def add(self) -> Change:
        agreement = self._any()
        terms = self.terms(
            is_explicit=agreement.contract.is_explicit,
            low=self._days() - 30,
            high=self._days() + 60,
        )
        return Add(contract=agreement.name, terms=terms)

    def drop(self) -> Change | None:
        agreement = self._any()
        if not agreement.overrides:
            return None
        return Drop(
            contract=agreement.name,
            overrides=(self.random.choice(agreement.overrides).name,),
        )

    def end(self) -> Change | None:
        """A contract's end moves within what is open; subscriptions end for good with it (R117)."""
        agreement = self._any()
        until = self._hour(self.now + self.random.randrange(1, 40) * DAY)
        is_over = agreement.until is not None and agreement.until <= self.now
        if is_over or self._is_followed(agreement) or agreement.contract.follows is not None:
            return None
        is_later = agreement.until is None or until > agreement.until
        if until <= self._open_from(agreement) or (
            is_later and agreement.contract.terms.subscriptions
        ):
            return None
        return End(contract=agreement.name, until=until)

    def _open_from(self, agreement: Agreement) -> datetime:
        """Before this instant something of the contract is final."""
        ends = [
            bill.issued if bill.period is None else bill.period[1]
            for bill in self.book.final
            if bill.key[1] == agreement.name
        ]
        return max([agreement.contract.since, *ends])

    def _is_followed(self, agreement: Agreement) -> bool:
        return any(a.contract.follows == agreement.name for a in self.book.agreements.values())

    def _hour(self, at: datetime) -> datetime:
        return at.replace(minute=0, second=0, microsecond=0)

    def route(self) -> Change:
        since = self._hour(self.now + self.random.randrange(-20, 20) * DAY)
        return Route(contract=self._any().name, filter=self._filter(since))

    def reprice(self) -> Change:
        since, until = self.make.window(self._days() - 30, self._days() + 30)
        product = self.random.choice(self.catalogue.products)
        ends = until if self.make.chance(50) else None
        return Reprice(rates=tuple(self.make.rates(product, since, ends)))

    def redefine(self) -> Change:
        product = self.random.choice(self.catalogue.products)
        since = self.make.instant(self._days() - 30, self._days() + 30)
        return Redefine(product=product.name, definition=self.make.definition(since))

    def adjust(self) -> Change | None:
        names = [s.name for c in self._any().commits for s in c.segments if s.since <= self.now]
        if not names:
            return None
        amount = self.make.money(30) * self.random.choice((1, -1))
        return Adjust(name=self.make.name("x"), segment=self.random.choice(names), amount=amount)

    def retune(self) -> Change | None:
        """A generator grants or ends otherwise from its next child on (R114)."""
        agreement = self._any()
        if not agreement.recurring:
            return None
        old = self.random.choice(agreement.recurring)
        until = old.until
        if self.make.chance(30):
            until = self._hour(self.now + self.random.randrange(1, 60) * DAY)
        new = replace(old, amount=self.make.money(60), until=until)
        if until is not None and until <= old.since:
            return None
        return Retune(contract=agreement.name, recurring=new)

    def renew(self) -> Change | None:
        """On the old contract's end, before it, or after it; not once its balances are final."""
        agreement = self._any()
        if self._is_followed(agreement) or any(k[1] == agreement.name for k in self.book.void):
            return None
        since = self._hour(self.now + self.random.randrange(-3, 30) * DAY)
        if agreement.until is not None and self.make.chance(50):
            since = agreement.until
        since = max(since, self._open_from(agreement), self._hour(self.now - DAY))
        if since == agreement.contract.since:
            return None
        return Sign(
            contract=self._contract(
                since,
                follows=agreement.name,
                is_supersede=self.make.chance(10),
                removes_trueup=self.make.chance(20),
            )
        )

    def void(self) -> Change | None:
        """A statement of a contract nobody followed: what rolled over cannot come back."""
        followed = {a.contract.follows for a in self.book.agreements.values()}
        final = [bill.key for bill in self.book.final if bill.key[0] == "usage"]
        found = [key for key in final if key[1] not in followed]
        if not found:
            return None
        _, contract, start, _ = self.random.choice(found)
        assert isinstance(start, datetime)
        return Void(contract=contract, start=start)

    def regenerate(self) -> Change | None:
        if not self.book.void:
            return None
        _, contract, start, _ = self.random.choice(list(self.book.void))
        assert isinstance(start, datetime)
        return Regenerate(contract=contract, start=start)

    def sign(self) -> Change | None:
        if len(self.book.agreements) > 2:
            return None
        since = self._hour(self.now + self.random.randrange(-40, 20) * DAY)
        return Sign(contract=self._contract(since))

    def grant(self) -> Change | None:
        low = self._days() - 30
        commit = self.make.commit(self.catalogue.products, low, low + 90, self.now)
        if commit.kind == "POSTPAID" or not self.has_grants:
            return None
        return Grant(commit=commit)
