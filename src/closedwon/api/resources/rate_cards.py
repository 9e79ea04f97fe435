"""Rate cards: names, aliases, pricing units, order of products (2.3; R53-R57, R134)."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Id, Instant, Number, Texts, Wire, whole
from closedwon.api.paging import paged_body
from closedwon.api.product_shape import EVER
from closedwon.api.shapes import credit_type_shape
from closedwon.billing.catalog.types import USD, Alias, RateCard, UnitConversion
from closedwon.engine.rate_cards import CardUpdate
from closedwon.kernel.errors import NotFound
from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import Interval, format_instant
from closedwon.store.tokens import Scope

MOVES_MAX = 1000


class AliasSent(Wire):
    """A name the card answers to while it lasts; from ever on without a start (R57)."""

    name: str = Field(min_length=1)
    starting_at: Instant | None = None
    ending_before: Instant | None = None


class ConversionSent(Wire):
    """What one custom pricing unit costs in fiat (R249)."""

    custom_credit_type_id: str
    fiat_per_custom_credit: Number


class Create(Wire):
    """POST /v1/contract-pricing/rate-cards/create."""

    name: str = Field(min_length=1)
    description: str = ""
    fiat_credit_type_id: str = USD
    credit_type_conversions: list[ConversionSent] = []
    aliases: list[AliasSent] = []
    custom_fields: Texts = {}


class Update(Wire):
    """POST /v1/contract-pricing/rate-cards/update: what is not sent stays."""

    rate_card_id: str
    name: str | None = Field(default=None, min_length=1)
    description: str | None = None
    aliases: list[AliasSent] | None = None
    add_credit_type_conversions: list[ConversionSent] = []


class SetOrder(Wire):
    """All products that come first, in their order."""

    rate_card_id: str
    product_order: Annotated[list[str], Field(max_length=MOVES_MAX)]


class ProductMove(Wire):
    """A product and its place, counted from 0."""

    product_id: str
    position: Annotated[int, whole(0, 10_000)]


class MoveProducts(Wire):
    """Products that change their place."""

    rate_card_id: str
    product_moves: Annotated[list[ProductMove], Field(min_length=1, max_length=MOVES_MAX)]


class Anything(Wire):
    """A list takes no body; the SDK may send one."""

    body: Any = None


class Archive(Wire):
    """Which card."""

    id: str = Field(validation_alias=AliasChoices("id", "rate_card_id"))


def create(call: Call, body: Create) -> Any:
    """Add a card without rates."""
    card = RateCard(
        id=call.new_id(),
        name=body.name,
        description=body.description,
        fiat_credit_type_id=body.fiat_credit_type_id,
        aliases=tuple(map(_alias, body.aliases)),
        conversions=tuple(map(_conversion, body.credit_type_conversions)),
        custom_fields=body.custom_fields,
        created_at=call.now,
        created_by=call.by,
    )
    call.engine.create_rate_card(card, call.now, call.by)
    return {"data": {"id": card.id}}


def update(call: Call, body: Update) -> Any:
    """Change name, description or all aliases."""
    aliases = None if body.aliases is None else tuple(map(_alias, body.aliases))
    given = CardUpdate(
        name=body.name,
        description=body.description,
        aliases=aliases,
        more_conversions=tuple(map(_conversion, body.add_credit_type_conversions)),
    )
    call.engine.update_rate_card(body.rate_card_id, given, call.now, call.by)
    return {"data": {"id": body.rate_card_id}}


def archive(call: Call, body: Archive) -> Any:
    """Keep new contracts from using it."""
    call.engine.archive_rate_card(body.id, call.now, call.by)
    return {"data": {"id": body.id}}


def retrieve(call: Call, body: Id) -> Any:
    """One card, without its rates."""
    card = call.engine.catalog().rate_cards.get(body.id)
    if card is None:
        raise NotFound("no such rate card", card=body.id)
    return {"data": _shape(call, card)}


def list_(call: Call, _body: Anything) -> Any:
    """Cards that are not archived, oldest first."""
    cards = call.engine.catalog().rate_cards.values()
    return paged_body(
        [card for card in cards if card.archived_at is None],
        call.page,
        lambda card: (format_instant(card.created_at), card.id),
        lambda card: _shape(call, card),
    )


def set_order(call: Call, body: SetOrder) -> Any:
    """Let invoices show these products first."""
    call.engine.order_card_products(body.rate_card_id, body.product_order, call.now, call.by)
    return {"data": {"id": body.rate_card_id}}


def move_products(call: Call, body: MoveProducts) -> Any:
    """Move products to other places."""
    places = {move.product_id: move.position for move in body.product_moves}
    call.engine.move_card_products(body.rate_card_id, places, call.now, call.by)
    return {"data": {"id": body.rate_card_id}}


def _alias(sent: AliasSent) -> Alias:
    window = Interval(sent.starting_at or EVER, sent.ending_before)
    return Alias(name=sent.name, window=window)


def _conversion(sent: ConversionSent) -> UnitConversion:
    return UnitConversion(
        credit_type_id=sent.custom_credit_type_id, fiat_per_unit=sent.fiat_per_custom_credit
    )


def _shape(call: Call, card: RateCard) -> dict[str, Any]:
    """As reads answer; a conversion is text, as the vendor has it."""
    catalog = call.engine.catalog()
    return {
        "id": card.id,
        "name": card.name,
        "description": card.description,
        "created_at": card.created_at,
        "created_by": card.created_by,
        "aliases": [_shown_alias(alias) for alias in card.aliases],
        "fiat_credit_type": credit_type_shape(catalog, card.fiat_credit_type_id),
        "credit_type_conversions": [
            {
                "custom_credit_type": credit_type_shape(catalog, one.credit_type_id),
                "fiat_per_custom_credit": canonical(one.fiat_per_unit),
            }
            for one in card.conversions
        ],
        "custom_fields": dict(call.engine.custom_fields("rate_card", card.id)),
        **sparse(archived_at=card.archived_at),
    }


def _shown_alias(alias: Alias) -> dict[str, Any]:
    start = None if alias.window.start == EVER else alias.window.start
    return {"name": alias.name, **sparse(starting_at=start, ending_before=alias.window.end)}


ALL = "/v1/contract-pricing/rate-cards"


def _write(verb: str, do: Any, body: type[Wire]) -> Route:
    return Route(method="POST", path=f"{ALL}/{verb}", scope=Scope.WRITE, do=do, body=body)


ROUTES = (
    _write("create", create, Create),
    _write("update", update, Update),
    _write("archive", archive, Archive),
    _write("setRateCardProductsOrder", set_order, SetOrder),
    _write("moveRateCardProducts", move_products, MoveProducts),
    Route(method="POST", path=f"{ALL}/get", scope=Scope.READ, do=retrieve, body=Id),
    Route(
        method="POST",
        path=f"{ALL}/list",
        scope=Scope.READ,
        do=list_,
        body=Anything,
        is_paged=True,
    ),
)
