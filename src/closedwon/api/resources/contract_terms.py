"""The rates of a contract, its overrides and entitlements applied (2.3, B7; R92)."""

from typing import Annotated, Any

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Instant, Texts, Wire, one_of
from closedwon.api.paging import paged_body
from closedwon.api.shapes import credit_type_shape, price_shape
from closedwon.api.shown.showing import own_contract
from closedwon.billing.pricing import Price
from closedwon.billing.rating.schedule import RateSegment, RateSelector
from closedwon.kernel.instant import format_instant
from closedwon.kernel.strict_json import canonical_dumps
from closedwon.store.tokens import Scope


class Selector(Wire):
    """Everything named must fit; of several selectors, one."""

    product_id: str | None = None
    product_tags: list[str] = []
    pricing_group_values: Texts | None = None
    partial_pricing_group_values: Texts = {}
    billing_frequency: Annotated[str, one_of("MONTHLY", "QUARTERLY", "ANNUAL", "WEEKLY")] | None = (
        None
    )


class ScheduleBody(Wire):
    """POST /v1/contracts/getContractRateSchedule."""

    customer_id: str
    contract_id: str
    at: Instant | None = None
    selectors: list[Selector] = []


def rate_schedule(call: Call, body: ScheduleBody) -> Any:
    """What everything costs on the contract at an instant, now unless said otherwise."""
    contract = own_contract(call, body.customer_id, body.contract_id)
    selectors = [
        RateSelector(
            product_id=one.product_id,
            product_tags=tuple(one.product_tags),
            pricing_group_values=one.pricing_group_values,
            partial_pricing_group_values=one.partial_pricing_group_values,
            billing_frequency=one.billing_frequency,
        )
        for one in body.selectors
    ]
    at = body.at or call.now
    found = call.engine.contract_rate_schedule(contract.id, contract.term, selectors)
    card_id = contract.rate_card_id or ""
    return paged_body(
        [segment for segment in found if segment.window.covers(at)],
        call.page,
        _key,
        lambda segment: _shape(call, card_id, segment),
    )


def _key(segment: RateSegment) -> tuple[str, ...]:
    values = canonical_dumps(dict(segment.pricing_group_values))
    frequency = segment.billing_frequency or ""
    return segment.product_id, values, frequency, format_instant(segment.window.start)


def _shape(call: Call, card_id: str, segment: RateSegment) -> dict[str, Any]:
    commit, override = segment.commit_rate, segment.override_rate
    return {
        "rate_card_id": card_id,
        "product_id": segment.product_id,
        "product_name": segment.product_name,
        "product_tags": list(segment.product_tags),
        "product_custom_fields": dict(call.engine.custom_fields("product", segment.product_id)),
        "pricing_group_values": dict(segment.pricing_group_values),
        "starting_at": segment.window.start,
        "entitled": segment.entitled,
        "list_rate": _price(call, segment, segment.list_rate),
        **sparse(
            ending_before=segment.window.end,
            billing_frequency=segment.billing_frequency,
            override_rate=None if override is None else _price(call, segment, override),
            commit_rate=None if commit is None else price_shape(commit),
        ),
    }


def _price(call: Call, segment: RateSegment, price: Price) -> dict[str, Any]:
    unit = credit_type_shape(call.engine.catalog(), segment.credit_type_id)
    return {**price_shape(price), "credit_type": unit}


ROUTES = (
    Route(
        method="POST",
        path="/v1/contracts/getContractRateSchedule",
        scope=Scope.READ,
        do=rate_schedule,
        body=ScheduleBody,
        is_paged=True,
    ),
)
