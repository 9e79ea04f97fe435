"""The rate card that terms are sent for: amounts are in its unit."""

from datetime import datetime

from closedwon.api.call import Call
from closedwon.billing.catalog.types import RateCard
from closedwon.kernel.errors import NotFound, Refused


def card_meant(call: Call, card_id: str | None, alias: str | None, at: datetime) -> RateCard | None:
    """The card of an id, or the one that has the alias at ``at`` (R57).

    None when neither is given, or nothing has the alias then. Raises Refused when both are given,
    NotFound for an unknown id.
    """
    if card_id is not None and alias is not None:
        raise Refused("rate_card_id: give it or rate_card_alias, not both (2.7)")
    cards = call.engine.catalog().rate_cards
    if card_id is not None and card_id not in cards:
        raise NotFound("no such rate card", rate_card=card_id)
    if alias is not None:
        card_id = call.engine.stores.catalogue.card_with_alias(alias, at)
    return None if card_id is None else cards[card_id]
