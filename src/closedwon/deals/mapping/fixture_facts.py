"""What a fixture says billing holds."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from closedwon.billing.catalog.types import (
    Catalog,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import (
    Collection,
    InvoiceBehavior,
    Subscription,
)
from closedwon.billing.pricing import Flat
from closedwon.deals.mapping.deal_terms import ALWAYS
from closedwon.deals.mapping.facts import MappingFacts, RateCardFact
from closedwon.deals.mapping.shapes import Choice, Fixed, Form, Key, ListOf, Named, Number, Text
from closedwon.deals.mapping.subscriptions import BILLED_BY, subscription_id_of
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.exact import wire
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, parse_instant

ORG_ID = "00DTT000000000AAAA"
AS_OF = "2024-01-01T00:00:00Z"
FREQUENCY = Choice(words=tuple(BILLED_BY))
SUBSCRIBED = Fixed(
    doc="A subscription the contract has, billed in advance from its start.",
    keys={
        "key": Key(shape=Text(), doc="Its key; product and frequency."),
        "product": Key(shape=Text(), doc="Product key.", required=True),
        "frequency": Key(shape=FREQUENCY, doc="How often it bills.", required=True),
        "quantity": Key(shape=Number(), doc="Seats or units.", required=True),
    },
)
CONTRACT = Fixed(
    doc="A contract billing already has.",
    keys={
        "id": Key(shape=Text(), doc="Its id.", required=True),
        "start": Key(shape=Text(), doc="Its start (an instant), where it has subscriptions."),
        "end": Key(shape=Text(), doc="Its exclusive end (an instant); open without it."),
        "rate_card": Key(shape=Text(), doc="Alias of its rate card."),
        "subscriptions": Key(shape=ListOf(element=SUBSCRIBED), doc="What it subscribes to."),
    },
)
RATE = Fixed(
    doc="What a subscription product costs on every rate card.",
    keys={
        "product": Key(shape=Text(), doc="Product id or `sku:<code>`.", required=True),
        "frequency": Key(shape=FREQUENCY, doc="How often it bills.", required=True),
        "price": Key(shape=Number(), doc="Per unit and period (major units).", required=True),
        "entitled": Key(shape=Choice(words=("yes", "no")), doc="Whether it is enabled; yes."),
    },
)
FACTS = Fixed(
    doc="What billing and the org hold.",
    keys={
        "as_of": Key(shape=Text(), doc="The instant AS_OF() answers."),
        "tags": Key(shape=ListOf(element=Text()), doc="Product tags."),
        "products": Key(shape=ListOf(element=Text()), doc="Product ids."),
        "rate_cards": Key(shape=Named(element=Text(), pattern=r".+"), doc="Alias -> currency."),
        "subscription_rates": Key(shape=ListOf(element=RATE), doc="Rates of subscriptions."),
        "contracts": Key(
            shape=Named(element=CONTRACT, pattern=r"[A-Za-z0-9]{18}"),
            doc="Opportunity -> contract.",
        ),
    },
)


def facts_of(form: Form | None) -> MappingFacts:
    """The facts a fixture gives; those it leaves out are empty."""
    if form is None:
        return MappingFacts(org_id=ORG_ID, as_of=parse_instant(AS_OF))
    contracts: Mapping[str, Form] = form["contracts"] or {}
    cards = {alias: text.text for alias, text in (form["rate_cards"] or {}).items()}
    rates: tuple[Form, ...] = form["subscription_rates"] or ()
    products = {product.text for product in form["products"] or ()}
    return MappingFacts(
        org_id=ORG_ID,
        as_of=parse_instant(form.text("as_of", AS_OF)),
        tags=frozenset(tag.text for tag in form["tags"] or ()),
        product_ids=frozenset(products | {_product_id(one.text("product")) for one in rates}),
        rate_cards={
            alias: RateCardFact(id=_card_id(alias), currency=currency)
            for alias, currency in cards.items()
        },
        contract_of={key: one.text("id") for key, one in contracts.items()},
        contract_ends={one.text("id"): _end(one) for one in contracts.values()},
        contracts={one.text("id"): _contract(one) for one in contracts.values()},
        catalog=_catalog(rates, cards),
    )


def _catalog(rates: tuple[Form, ...], cards: Mapping[str, str]) -> Catalog:
    version = ProductVersion(starting_at=ALWAYS, name="subscription")
    ids = [_product_id(one.text("product")) for one in rates]
    return Catalog(
        products={
            product: Product(id=product, type=ProductType.SUBSCRIPTION, versions=(version,))
            for product in ids
        },
        rate_cards={
            _card_id(alias): RateCard(
                id=_card_id(alias),
                name=alias,
                rates=tuple(_rates(rates, alias, currency)),
                created_at=ALWAYS,
            )
            for alias, currency in cards.items()
        },
    )


def _rates(rates: tuple[Form, ...], alias: str, currency: str) -> Iterator[Rate]:
    for one in rates:
        price: Decimal = one["price"]
        product_id, frequency = _product_id(one.text("product")), one.text("frequency")
        yield Rate(
            id=f"{product_id} {frequency}",
            rate_card_id=_card_id(alias),
            product_id=product_id,
            window=Interval(ALWAYS),
            price=Flat(price=wire(price, currency)),
            entitled=one.text("entitled", "yes") == "yes",
            billing_frequency=frequency,
        )


def _contract(form: Form) -> Contract:
    start = parse_instant(form.text("start")) if form["start"] is not None else ALWAYS
    contract_id = form.text("id")
    return Contract(
        id=contract_id,
        customer_id="customer",
        term=Interval(start, _end(form)),
        rate_card_id=_card_id(form.text("rate_card")) if form["rate_card"] is not None else None,
        subscriptions=tuple(
            _subscription(one, contract_id, start) for one in form["subscriptions"] or ()
        ),
        created_at=start,
    )


def _subscription(form: Form, contract_id: str, start: datetime) -> Subscription:
    product_id, frequency = _product_id(form.text("product")), form.text("frequency")
    key = form.text("key", f"{product_id}:{frequency}")
    quantity: Decimal = form["quantity"]
    return Subscription(
        id=subscription_id_of(contract_id, key),
        product_id=product_id,
        frequency=Frequency(frequency),
        window=Interval(start),
        collection=Collection.ADVANCE,
        invoice_behavior=InvoiceBehavior.BILL_IMMEDIATELY,
        is_prorated=True,
        initial_quantity=quantity,
        anchor_date=start,
    )


def _end(form: Form) -> datetime | None:
    return parse_instant(form.text("end")) if form["end"] is not None else None


def _card_id(alias: str) -> str:
    return f"rate card {alias}"


def _product_id(key: str) -> str:
    return derive("product", ORG_ID, key) if ":" in key else key
