"""The part of ``Engine`` that is about products, rate cards and prices (metronome.md 3.D, 3.E)."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from closedwon.billing.catalog.types import (
    Catalog,
    CreditType,
    Product,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.billing.rating import schedule
from closedwon.billing.rating.schedule import RateSegment, RateSelector
from closedwon.engine import accounts, catalogue, rate_cards
from closedwon.engine.command import API
from closedwon.engine.rate_cards import CardUpdate
from closedwon.kernel.instant import Interval
from closedwon.store.stores import Stores


class Selling:
    """Commands and queries on what can be sold and for how much; ``Engine`` has them all."""

    stores: Stores

    @abstractmethod
    def catalog(self) -> Catalog:
        """Metrics, products, rate cards and credit types by id."""

    def create_credit_type(self, kind: CreditType, now: datetime, by: str = API) -> None:
        """Add a pricing unit, or a currency that is not there without (metronome.md 2.2)."""
        catalogue.create_credit_type(self.stores, kind, by=by, now=now)

    def archive_credit_type(self, kind_id: str, now: datetime, by: str = API) -> None:
        """Keep rate cards from taking a pricing unit up; those that have it keep it."""
        catalogue.archive_credit_type(self.stores, kind_id, by=by, now=now)

    def create_product(self, product: Product, now: datetime, by: str = API) -> None:
        """Add a product; again the same changes nothing, other content is a Conflict."""
        catalogue.create_product(self.stores, product, by=by, now=now)

    def update_product(
        self, product_id: str, version: ProductVersion, now: datetime, by: str = API
    ) -> None:
        """Define a product anew from ``version.starting_at`` on (R48)."""
        catalogue.update_product(self.stores, product_id, version, by=by, now=now)

    def archive_product(self, product_id: str, now: datetime, by: str = API) -> None:
        """Keep a product from getting new rates; what is sold stays sold (R11)."""
        catalogue.archive_product(self.stores, product_id, by=by, now=now)

    def create_rate_card(self, card: RateCard, now: datetime, by: str = API) -> None:
        """Add a rate card with its rates; again the same changes nothing."""
        rate_cards.create(self.stores, card, by=by, now=now)

    def update_rate_card(
        self, card_id: str, given: CardUpdate, now: datetime, by: str = API
    ) -> RateCard:
        """Change name, description or aliases of a card (R57)."""
        return rate_cards.update(self.stores, card_id, given, by=by, now=now)

    def archive_rate_card(self, card_id: str, now: datetime, by: str = API) -> None:
        """Keep new contracts from using a card; those on it keep working."""
        rate_cards.archive(self.stores, card_id, by=by, now=now)

    def add_rates(self, card_id: str, rates: Iterable[Rate], now: datetime, by: str = API) -> None:
        """Add rates; the last one added wins in its window (R54)."""
        rate_cards.add_rates(self.stores, card_id, tuple(rates), by=by, now=now)

    def order_card_products(
        self, card_id: str, product_ids: Sequence[str], now: datetime, by: str = API
    ) -> None:
        """Let invoices show these products first, in this order (R134)."""
        rate_cards.order_products(self.stores, card_id, product_ids, by=by, now=now)

    def move_card_products(
        self, card_id: str, places: Mapping[str, int], now: datetime, by: str = API
    ) -> None:
        """Move products to places counted from 0 (R134)."""
        rate_cards.move_products(self.stores, card_id, places, by=by, now=now)

    def rates_at(
        self, card_id: str, instant: datetime, selectors: Sequence[RateSelector] = ()
    ) -> tuple[Rate, ...]:
        """Rates of a card in force at ``instant``; raises NotFound."""
        catalog = self.catalog()
        return schedule.rates_at(rate_cards.get(catalog, card_id), catalog, instant, selectors)

    def rate_schedule(
        self, card_id: str, window: Interval, selectors: Sequence[RateSelector] = ()
    ) -> tuple[RateSegment, ...]:
        """Rates of a card over ``window``; raises NotFound."""
        catalog = self.catalog()
        return schedule.card_schedule(rate_cards.get(catalog, card_id), catalog, window, selectors)

    def contract_rate_schedule(
        self, contract_id: str, window: Interval, selectors: Sequence[RateSelector] = ()
    ) -> tuple[RateSegment, ...]:
        """List, override and commit rates of a contract over ``window`` (R92); raises NotFound.

        Nothing for a contract without a rate card.
        """
        contract = accounts.contract(self.stores, contract_id)
        if contract.rate_card_id is None:
            return ()
        catalog = self.catalog()
        card = rate_cards.get(catalog, contract.rate_card_id)
        return schedule.contract_schedule(contract, card, catalog, window, selectors)
