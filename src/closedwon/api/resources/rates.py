"""Rates of a card: added, read at an instant, read over a window (2.6; R53-R56, R64-R71)."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Instant, Texts, Wire, one_of
from closedwon.api.paging import paged_body
from closedwon.api.prices import PriceSent, RateType, price_of
from closedwon.api.shapes import credit_type_shape, price_shape
from closedwon.billing.catalog.types import USD, Rate
from closedwon.billing.pricing import Price
from closedwon.billing.rating.schedule import RateSegment, RateSelector
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval, format_instant
from closedwon.kernel.strict_json import canonical_dumps
from closedwon.store.tokens import Scope

RATES_MAX = 1000
Frequency = Annotated[str, one_of("MONTHLY", "QUARTERLY", "ANNUAL", "WEEKLY")]


class RateSent(PriceSent):
    """One rate of a card, its price included; POST /v1/contract-pricing/rate-cards/addRate."""

    rate_card_id: str | None = None
    """Required where the rate is sent alone."""
    product_id: str = Field(validation_alias=AliasChoices("product_id", "product"))
    starting_at: Instant
    ending_before: Instant | None = None
    entitled: bool
    credit_type_id: str | None = None
    pricing_group_values: Texts = {}
    billing_frequency: Frequency | None = None
    commit_rate: PriceSent | None = None


class AddRates(Wire):
    """Many rates, all or none."""

    rate_card_id: str
    rates: Annotated[list[RateSent], Field(min_length=1, max_length=RATES_MAX)]


class Selector(Wire):
    """Everything named must fit; of several selectors, one."""

    product_id: str | None = None
    product_tags: list[str] = []
    pricing_group_values: Texts | None = None
    partial_pricing_group_values: Texts = {}
    billing_frequency: Frequency | None = None


class RatesAt(Wire):
    """POST /v1/contract-pricing/rate-cards/getRates."""

    rate_card_id: str
    at: Instant
    selectors: list[Selector] = []


class Schedule(Wire):
    """POST /v1/contract-pricing/rate-cards/getRateSchedule."""

    rate_card_id: str
    starting_at: Instant
    ending_before: Instant | None = None
    selectors: list[Selector] = []


def add_rate(call: Call, body: RateSent) -> Any:
    """Add one rate."""
    if body.rate_card_id is None:
        raise Refused("rate_card_id: required")
    rate = _rate(call, body.rate_card_id, body, "body")
    call.engine.add_rates(body.rate_card_id, [rate], call.now, call.by)
    return {"data": _price(call, rate, rate.price) | _commit(rate.commit_price)}


def add_rates(call: Call, body: AddRates) -> Any:
    """Add rates; they win over older ones in their windows (R54)."""
    rates = [
        _rate(call, body.rate_card_id, sent, f"rates.{at}") for at, sent in enumerate(body.rates)
    ]
    call.engine.add_rates(body.rate_card_id, rates, call.now, call.by)
    return {"data": {"id": body.rate_card_id}}


def rates_at(call: Call, body: RatesAt) -> Any:
    """Rates in force at an instant, by product, pricing values and frequency."""
    found = call.engine.rates_at(body.rate_card_id, body.at, _selectors(body.selectors))
    products = call.engine.catalog().products

    def shape(rate: Rate) -> dict[str, Any]:
        product = products[rate.product_id]
        tags = product.versions[-1].tags
        return {
            **_row(call, rate.product_id, product.name, tags, rate.window),
            **_terms(rate.entitled, rate.pricing_group_values, rate.billing_frequency),
            "rate": _price(call, rate, rate.price),
            **_commit(rate.commit_price),
        }

    return paged_body(found, call.page, _rate_key, shape)


def schedule(call: Call, body: Schedule) -> Any:
    """Rates over a window, segment by segment."""
    window = Interval(body.starting_at, body.ending_before)
    found = call.engine.rate_schedule(body.rate_card_id, window, _selectors(body.selectors))

    def shape(one: RateSegment) -> dict[str, Any]:
        return {
            "rate_card_id": body.rate_card_id,
            **_row(call, one.product_id, one.product_name, one.product_tags, one.window),
            **_terms(one.entitled, one.pricing_group_values, one.billing_frequency),
            "rate": _price(call, one, one.list_rate),
            **_commit(one.commit_rate),
        }

    return paged_body(found, call.page, _rate_key, shape)


def _rate(call: Call, card_id: str, sent: RateSent, where: str) -> Rate:
    if sent.rate_card_id not in (None, card_id):
        raise Refused(f"{where}.rate_card_id: another card than the call's", card=card_id)
    commit = sent.commit_rate
    kind = sent.credit_type_id
    if sent.rate_type in (RateType.PERCENTAGE, RateType.TIERED_PERCENTAGE):
        kind = None  # Ignored, as the vendor does: a percentage is in the unit of its base (2.6).
    card = call.engine.catalog().rate_cards.get(card_id)
    return Rate(
        id=call.new_id(),
        rate_card_id=card_id,
        product_id=sent.product_id,
        window=Interval(sent.starting_at, sent.ending_before),
        price=price_of(sent, where),
        entitled=sent.entitled,
        credit_type_id=kind or (USD if card is None else card.fiat_credit_type_id),
        pricing_group_values=sent.pricing_group_values,
        billing_frequency=sent.billing_frequency,
        commit_price=None if commit is None else price_of(commit, f"{where}.commit_rate"),
    )


def _selectors(sent: Iterable[Selector]) -> list[RateSelector]:
    return [
        RateSelector(
            product_id=one.product_id,
            product_tags=tuple(one.product_tags),
            pricing_group_values=one.pricing_group_values,
            partial_pricing_group_values=one.partial_pricing_group_values,
            billing_frequency=one.billing_frequency,
        )
        for one in sent
    ]


def _rate_key(one: Rate | RateSegment) -> tuple[str, ...]:
    values = canonical_dumps(one.pricing_group_values)
    return (
        one.product_id,
        values,
        one.billing_frequency or "",
        format_instant(one.window.start),
    )


def _row(
    call: Call, product_id: str, name: str, tags: Iterable[str], window: Interval
) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "product_name": name,
        "product_tags": list(tags),
        "product_custom_fields": dict(call.engine.custom_fields("contract_product", product_id)),
        "starting_at": window.start,
        **sparse(ending_before=window.end),
    }


def _terms(entitled: bool, values: Mapping[str, str], frequency: str | None) -> dict[str, Any]:  # noqa: FBT001 a field
    return {
        "entitled": entitled,
        **sparse(pricing_group_values=dict(values) or None, billing_frequency=frequency),
    }


def _price(call: Call, rate: Rate | RateSegment, price: Price) -> dict[str, Any]:
    unit = credit_type_shape(call.engine.catalog(), rate.credit_type_id)
    values = dict(rate.pricing_group_values) or None
    return {**price_shape(price), "credit_type": unit, **sparse(pricing_group_values=values)}


def _commit(price: Price | None) -> dict[str, Any]:
    return {} if price is None else {"commit_rate": price_shape(price)}


ALL = "/v1/contract-pricing/rate-cards"
ROUTES = (
    Route(method="POST", path=f"{ALL}/addRate", scope=Scope.WRITE, do=add_rate, body=RateSent),
    Route(method="POST", path=f"{ALL}/addRates", scope=Scope.WRITE, do=add_rates, body=AddRates),
    Route(
        method="POST",
        path=f"{ALL}/getRates",
        scope=Scope.READ,
        do=rates_at,
        body=RatesAt,
        is_paged=True,
    ),
    Route(
        method="POST",
        path=f"{ALL}/getRateSchedule",
        scope=Scope.READ,
        do=schedule,
        body=Schedule,
        is_paged=True,
    ),
)
