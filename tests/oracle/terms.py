"""Random terms: commits, overrides, charges, generators, statements."""

from datetime import datetime
from fractions import Fraction

from oracle.generate import DAY, HOUR, PROJECTS, REGIONS, TAGS, Maker
from oracle.history import (
    ALL,
    Charge,
    Commit,
    Override,
    Payment,
    Product,
    Recurring,
    Segment,
    Selector,
    Spec,
    Statement,
    Subscription,
)


class TermMaker(Maker):
    """Draws what contracts promise."""

    def selector(self, products: tuple[Product, ...]) -> Selector:
        kind = self.random.randrange(8)
        if kind < 3:
            return ALL
        if kind < 5:
            return Selector(products=(self.random.choice(products).name,))
        if kind < 6:
            return Selector(tags=(self.random.choice(TAGS),))
        count = self.random.randrange(1, 3)
        return Selector(specs=tuple(self._spec(products) for _ in range(count)))

    def _spec(self, products: tuple[Product, ...]) -> Spec:
        product = self.random.choice((*products, None))
        tags = (self.random.choice(TAGS),) if self.chance(25) else ()
        pricing = (("region", self.random.choice(REGIONS)),) if self.chance(40) else ()
        shown = (("project", self.random.choice(PROJECTS)),) if self.chance(30) else ()
        return Spec(
            product=None if product is None else product.name,
            tags=tags,
            pricing=pricing,
            shown=shown,
        )

    def commit(
        self, products: tuple[Product, ...], low: int, high: int, created: datetime
    ) -> Commit:
        name = self.name("c")
        kind = self.random.choice(("PREPAID", "PREPAID", "CREDIT", "POSTPAID"))
        count = 1 if kind == "POSTPAID" else self.random.randrange(1, 4)
        segments = []
        for number in range(count):
            since, until = self.window(low, high)
            segments.append(
                Segment(name=f"{name}s{number}", amount=self.money(150), since=since, until=until)
            )
        return Commit(
            name=name,
            kind=kind,
            segments=tuple(segments),
            payments=self._payments(name, kind, segments),
            priority=self.random.choice((None, Fraction(1), Fraction(2), Fraction(2))),
            selector=self.selector(products),
            rate_type="COMMIT_RATE" if self.chance(25) else "LIST_RATE",
            rollover=self.random.choice((None, Fraction(1, 4), Fraction(1, 2), Fraction(1))),
            is_silent=self.chance(10),
            unit=self._unit(kind),
            created=created,
        )

    def _unit(self, kind: str) -> str:
        """Some balances hold custom pricing units; a postpaid promise is one of money."""
        is_custom = bool(self.units) and kind != "POSTPAID" and self.chance(40)
        return "CCU" if is_custom else "USD"

    def _payments(self, name: str, kind: str, segments: list[Segment]) -> tuple[Payment, ...]:
        if kind == "CREDIT":
            return ()
        if kind == "POSTPAID":
            (segment,) = segments
            at = segment.until + self.random.choice((0, 0, 1, 24, 200)) * HOUR
            return (Payment(name=f"{name}$", at=at, amount=segment.amount),)
        return self.points(name, self.random.randrange(3))

    def points(self, name: str, count: int) -> tuple[Payment, ...]:
        return tuple(
            Payment(name=f"{name}${n}", at=self.instant(0, 250), amount=self.money(100))
            for n in range(count)
        )

    def override(
        self,
        products: tuple[Product, ...],
        window: tuple[int, int],
        *,
        is_explicit: bool,
        names: list[str],
    ) -> Override:
        """``names`` are balances a commit-specific one may be about (R87)."""
        since, until = self.window(*window)
        kind = self.random.randrange(7)
        selector = self.selector(products)
        overwrite = self.price() if kind in (0, 5) else None
        if overwrite is not None:
            selector = Selector(specs=(self._every_key(self.random.choice(products[:2])),))
        times = Fraction(self.random.randrange(1, 30), 20) if kind in (1, 2, 3) else None
        ranges: tuple[tuple[Fraction | None, Fraction], ...] = ()
        if kind == 4 and is_explicit and "tiered overrides" in self.features:
            ranges = self._ranges()
        plain = overwrite is None and times is None and not ranges
        is_special = "commit specific" in self.features and not plain and self.chance(30)
        commits: tuple[str, ...] = ()
        if is_special and names and self.chance(50):
            commits = tuple(self.random.sample(names, self.random.randrange(1, len(names) + 1)))
            if overwrite is None:
                selector = Selector(specs=(Spec(product=self.random.choice(products).name),))
        return Override(
            is_commit_specific=is_special,
            commits=commits,
            on_commit_rate=is_special and self.chance(40),
            name=self.name("o"),
            since=since,
            until=None if self.chance(20) else until,
            selector=selector,
            overwrite=overwrite,
            times=times,
            ranges=ranges,
            entitled=self.chance(60) if plain or self.chance(10) else None,
            priority=Fraction(self.random.randrange(1, 4)) if is_explicit else None,
        )

    def _every_key(self, product: Product) -> Spec:
        """A product with a value for each of its pricing keys, as an OVERWRITE needs (R77)."""
        pricing = tuple((key, self.random.choice(REGIONS)) for key in product.pricing_keys)
        return Spec(product=product.name, pricing=pricing)

    def _ranges(self) -> tuple[tuple[Fraction | None, Fraction], ...]:
        sizes: list[Fraction | None] = [Fraction(self.random.randrange(1, 20))]
        if self.chance(50):
            sizes.append(Fraction(self.random.randrange(1, 20)))
        if self.chance(40):
            sizes.append(None)
        return tuple((size, Fraction(self.random.randrange(0, 30), 20)) for size in sizes)

    def charge(self) -> Charge:
        name = self.name("f")
        return Charge(name=name, payments=self.points(name, self.random.randrange(1, 4)))

    def statement(self) -> Statement:
        frequency = self.random.choice(
            ("MONTHLY", "MONTHLY", "MONTHLY", "WEEKLY", "QUARTERLY", "ANNUAL")
        )
        days = ["CONTRACT_START", "CUSTOM_DATE"]
        days += [] if frequency == "WEEKLY" else ["FIRST_OF_MONTH", "FIRST_OF_MONTH"]
        day = self.random.choice(days)
        return Statement(
            frequency=frequency,
            day=day,
            anchor=self.instant(-60, 60) if day == "CUSTOM_DATE" else None,
            billed_from=self.instant(0, 100) if self.chance(6) else None,
        )

    def recurring(self, products: tuple[Product, ...], low: int, high: int) -> Recurring:
        since, until = self.window(low, high)
        is_credit = self.chance(40)
        frequencies = (None, None, None, "MONTHLY", "WEEKLY", "QUARTERLY", "ANNUAL")
        return Recurring(
            name=self.name("g"),
            is_credit=is_credit,
            amount=self.money(60),
            invoiced=None if is_credit or self.chance(40) else self.money(40),
            since=since,
            until=None if self.chance(60) else until,
            frequency=self.random.choice(frequencies),
            lives=self.random.choice((1, 1, 1, 2, 3)),
            proration=self.random.choice(("NONE", "FIRST", "LAST", "FIRST_AND_LAST")),
            rounding=self._proration_rounding(),
            priority=Fraction(self.random.randrange(1, 4)),
            selector=self.selector(products),
            rate_type="COMMIT_RATE" if self.chance(20) else "LIST_RATE",
            rollover=self.random.choice((None, None, Fraction(1, 2), Fraction(1))),
        )

    def _proration_rounding(self) -> tuple[str, int] | None:
        if self.chance(40):
            return None
        method = self.random.choice(("HALF_UP", "FLOOR", "CEILING"))
        return method, self.random.choice((0, 0, 2, -1))

    def subscription(self, since: datetime) -> Subscription:
        """Seats from some time on, with a few changes."""
        begins = since + self.random.choice((0, 0, 24 * 10, 24 * 40)) * HOUR
        instants = sorted(begins + self.random.randrange(1, 90) * DAY for _ in range(3))
        return Subscription(
            name=self.name("q"),
            since=begins,
            is_prorated=self.chance(60),
            rounding=self._proration_rounding(),
            quantity=Fraction(self.random.randrange(0, 9)),
            updates=tuple(
                (at, Fraction(self.random.randrange(0, 12))) for at in dict.fromkeys(instants)
            ),
        )
