"""Random catalogues and events: small numbers, crowded dates, and what makes billing hard.

Instants crowd on month ends, period ends and hours around them; amounts are small enough to run
out; names repeat on purpose. ``Maker`` draws from the ``Random`` it is given, Hypothesis's or a
seeded one, and only ever makes steps the reference allows.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random  # noqa: TID251 - the type; callers hand in a seeded one

from oracle.history import (
    Catalogue,
    Composite,
    Definition,
    Event,
    Fee,
    Meter,
    Price,
    Product,
    Rate,
)

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
STARTS = (
    datetime(2025, 1, 1, tzinfo=UTC),
    datetime(2024, 1, 31, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2025, 3, 15, 7, tzinfo=UTC),
    datetime(2025, 8, 30, tzinfo=UTC),
    datetime(2026, 12, 1, tzinfo=UTC),
)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
REGIONS, PROJECTS, TAGS = ("us", "eu", "ap"), ("a", "b"), ("red", "blue")
KEYS = ("project", "region")


FEATURES = frozenset(
    {
        "tiered overrides",
        "commit rates",
        "commit specific",
        "recurring",
        "units",
        "swaps",
        "consolidation",
        "composites",
        "seats",
    }
)
"""What histories may hold beyond the plain terms."""


class Maker:
    """Draws terms, catalogues and events; every name it gives is new."""

    def __init__(self, random: Random, features: frozenset[str] = FEATURES) -> None:
        self.random = random
        self.features = features
        self.start = random.choice(STARTS)
        self.units: dict[str, str] = {}
        """Pricing unit of each product, where it is not fiat."""
        if "units" in features and self.chance(30):
            self.units["p2"] = "CCU"
        self._named = 0

    # Small things

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def name(self, kind: str) -> str:
        self._named += 1
        return f"{kind}{self._named}"

    def instant(self, low: int, high: int) -> datetime:
        """Some day from the start on, often the first of a month, sometimes at an odd hour."""
        at = self.start + self.random.randrange(low, high) * DAY
        if self.chance(40):
            at = at.replace(day=1, hour=0)
        return at + self.random.choice((0, 0, 0, 0, 1, 13)) * HOUR

    def window(self, low: int, high: int) -> tuple[datetime, datetime]:
        one, two = sorted((self.instant(low, high), self.instant(low, high)))
        return one, max(two, one + self.random.choice((1, 24, 240)) * HOUR)

    def money(self, most: int) -> Fraction:
        return Fraction(self.random.randrange(1, most * 4), self.random.choice((1, 2, 4)))

    def unit_price(self) -> Fraction:
        if self.chance(8):
            return Fraction(0)
        return Fraction(self.random.randrange(1, 40), self.random.choice((1, 4, 5)))

    def price(self) -> Price:
        if self.chance(55):
            return Price(tiers=((None, self.unit_price()),))
        sizes = [Fraction(self.random.randrange(2, 30), self.random.choice((1, 1, 2)))]
        if self.chance(50):
            sizes.append(Fraction(self.random.randrange(1, 20)))
        sized = tuple((size, self.unit_price()) for size in sizes)
        return Price(tiers=(*sized, (None, self.unit_price())))

    # Catalogue

    def catalogue(self) -> Catalogue:
        kinds = self.random.sample(("SUM", "SUM", "COUNT", "MAX", "LATEST", "UNIQUE"), 3)
        meters = tuple(
            Meter(name=f"m{n}", kind=kind, event_type=f"e{n}", keys=KEYS)
            for n, kind in enumerate(kinds)
        )
        products = tuple(self._product(f"p{n}", f"m{n}") for n in range(len(meters)))
        rates = tuple(rate for product in products for rate in self.rates(product, EPOCH, None))
        conversions = (("CCU", self.unit_price() + 1),) if "CCU" in self.units.values() else ()
        return Catalogue(
            meters=meters,
            products=products,
            rates=rates,
            conversions=conversions,
            composite=None if conversions else self._composite(products),
            fees=self._fees() if "seats" in self.features else (),
        )

    def _fees(self) -> tuple[Fee, ...]:
        """A price per frequency, and another one from some day on."""
        return tuple(
            Fee(frequency=frequency, since=since, price=self.unit_price())
            for frequency in ("WEEKLY", "MONTHLY", "QUARTERLY", "ANNUAL")
            for since in (EPOCH, self.instant(0, 100))
        )

    def _composite(self, products: tuple[Product, ...]) -> Composite | None:
        if "composites" not in self.features or not self.chance(30):
            return None
        sizes = ((Fraction(self.random.randrange(20, 400)), self._fraction()),)
        return Composite(
            name="x0",
            tags=tuple(tag for tag in TAGS if self.chance(30)),
            products=tuple(p.name for p in products if self.chance(50)),
            counted_tags=("red",) if self.chance(50) else (),
            price=Price(tiers=(*(sizes if self.chance(50) else ()), (None, self._fraction()))),
            minimum=self.money(60) if self.chance(40) else None,
        )

    def _fraction(self) -> Fraction:
        return Fraction(self.random.randrange(0, 20), 20)

    def _product(self, name: str, meter: str) -> Product:
        return Product(
            name=name,
            meter=meter,
            definitions=(self.definition(EPOCH),),
            pricing_keys=("region",) if self.chance(25) else (),
            shown_keys=("project",) if self.chance(25) else (),
        )

    def definition(self, since: datetime) -> Definition:
        factor = self.random.choice((None, None, None, Fraction(2), Fraction(5), Fraction(1024)))
        rounding = self.random.choice((None, None, "ROUND_UP", "ROUND_DOWN", "ROUND_HALF_UP"))
        tags = tuple(tag for tag in TAGS if self.chance(50))
        return Definition(
            since=since,
            tags=tags,
            meter=self._swapped() if since > EPOCH else None,
            factor=factor,
            divides=factor is not None and (factor > 100 or self.chance(50)),
            rounding=rounding,
            places=self.random.choice((0, 0, 1)),
        )

    def _swapped(self) -> str | None:
        """Another metric from then on, now and then (R40)."""
        is_swapped = "swaps" in self.features and self.chance(30)
        return f"m{self.random.randrange(3)}" if is_swapped else None

    def rates(self, product: Product, since: datetime, until: datetime | None) -> list[Rate]:
        """One rate, or one for each region; now and then a region has none (R70)."""
        regions = REGIONS[: self.random.randrange(1, 4)] if product.pricing_keys else (None,)
        return [
            Rate(
                product=product.name,
                since=since,
                until=until,
                price=self.price(),
                entitled=not self.chance(5),
                dims=() if region is None else (("region", region),),
                commit_price=self._commit_price(),
                unit=self.units.get(product.name, "USD"),
            )
            for region in regions
        ]

    def _commit_price(self) -> Price | None:
        return self.price() if "commit rates" in self.features and self.chance(25) else None

    # Usage

    def event(self, now: datetime, catalogue: Catalogue) -> Event:
        meter = self.random.choice(catalogue.meters)
        at = now - self.random.randrange(0, 30 * 24 * 60) * timedelta(minutes=1)
        if self.chance(25):
            at = at.replace(day=1, hour=0, minute=0)
        properties = {
            "project": self.random.choice(PROJECTS),
            "region": self.random.choice(REGIONS),
            "value": self._value(),
        }
        for key in ("region", "value"):
            if self.chance(3):
                del properties[key]
        return Event(
            id=self.name("t"),
            kind=meter.event_type,
            at=at,
            properties=tuple(sorted(properties.items())),
        )

    def _value(self) -> str:
        if self.chance(3):
            return "n/a"
        number = self.random.randrange(1, 60)
        if self.chance(15):
            number = -number
        return f"{number}.{self.random.choice(('0', '5', '25', '125'))}"
