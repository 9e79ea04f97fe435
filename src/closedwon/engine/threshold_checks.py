"""Which thresholds and spend trackers a contract may have (R252, R259, R270)."""

from collections.abc import Iterable
from decimal import Decimal

from closedwon.billing.catalog.types import Catalog, ProductType, RateCard
from closedwon.billing.contracts.edits import ContractSettings
from closedwon.billing.contracts.thresholds import BalanceThreshold, SpendThreshold
from closedwon.billing.thresholds.purchase import fiat_price
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import canonical, wire

THRESHOLD_MIN, RECHARGE_ABOVE = Decimal(5), Decimal(10)
"""In whole currency: the least threshold, and by how much a recharge goes beyond it (R259)."""


def check_settings(catalog: Catalog, card: RateCard | None, settings: ContractSettings) -> None:
    """Raise Refused for thresholds and trackers that cannot stand (R252, R259, R270)."""
    aliases = [tracker.alias for tracker in settings.trackers]
    if len(set(aliases)) != len(aliases):
        raise Refused("spend tracker aliases must differ on a contract (R270)")
    for config in (settings.balance_threshold, settings.spend_threshold):
        if config is not None:
            _check_threshold(catalog, card, config, aliases)


def _check_threshold(
    catalog: Catalog,
    card: RateCard | None,
    config: BalanceThreshold | SpendThreshold,
    aliases: Iterable[str],
) -> None:
    if card is None:
        raise Refused("a threshold needs a contract with a rate card")
    unit = config.credit_type_id if isinstance(config, BalanceThreshold) else None
    price = fiat_price(card, unit or card.fiat_credit_type_id)
    if price is None:
        raise Refused("the card does not convert the threshold's unit (R252)", unit=unit or "")
    currency = catalog.credit_types[card.fiat_credit_type_id].currency or ""
    if config.threshold_amount * price < wire(THRESHOLD_MIN, currency):
        found = canonical(config.threshold_amount)
        raise Refused("a threshold must be worth at least 5.00 (R259)", found=found)
    if isinstance(config, BalanceThreshold):
        gap = (config.recharge_to_amount - config.threshold_amount) * price
        if gap < wire(RECHARGE_ABOVE, currency):
            found = canonical(config.recharge_to_amount)
            raise Refused("recharge_to_amount must exceed it by 10.00 (R259)", found=found)
    cap = None if config.discount is None else config.discount.cap
    if cap is not None and cap.spend_tracker_alias not in aliases:
        raise Refused("a discount cap names no tracker", alias=cap.spend_tracker_alias)
    _check_product(catalog, config.commit.product_id)


def _check_product(catalog: Catalog, product_id: str) -> None:
    product = catalog.products.get(product_id)
    if product is None or product.type is not ProductType.FIXED:
        raise Refused("a threshold buys a FIXED product (R100)", product=product_id)
