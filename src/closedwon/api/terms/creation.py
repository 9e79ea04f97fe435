"""Making a contract from what was sent: its terms, or a package (2.7; R93-R101, R310)."""

from datetime import datetime

from msgspec.structs import replace

from closedwon.api.answers import sparse
from closedwon.api.call import Call
from closedwon.api.terms.cards import card_meant
from closedwon.api.terms.contract import (
    ContractOffer,
    ProviderSent,
    added,
    statement,
    transition,
    with_temporary_ids,
)
from closedwon.api.terms.making import Making, making
from closedwon.api.terms.providers import provider_segment, revenue_segment
from closedwon.api.terms.settings import balance_threshold, hierarchy, spend_threshold, tracker
from closedwon.billing.contracts.edits import ContractSettings, Create
from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.billing.contracts.packages import PackageOrder
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.engine.contracts import EditNote
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import Interval

WITH_PACKAGE = frozenset(
    {
        "customer_id",
        "starting_at",
        "package_id",
        "package_alias",
        "uniqueness_key",
        "transition",
        "custom_fields",
    }
)
"""All that may stand beside a package (R310)."""


def created(call: Call, customer_id: str, body: ContractOffer) -> str:
    """Id of the contract that was added; raises Refused, NotFound, Conflict."""
    if body.package_id is not None or body.package_alias is not None:
        return _ordered(call, customer_id, body)
    if body.ending_before is not None and body.ending_before <= body.starting_at:
        raise Refused("ending_before: must be after starting_at (R100)")
    call.engine.customer(customer_id)
    card = card_meant(call, body.rate_card_id, body.rate_card_alias, body.starting_at)
    make = making(call, body.starting_at, card, with_temporary_ids(body))
    contract_id = call.new_id()
    terms = _given(call, make, customer_id, body)
    call.engine.create_contract(contract_id, terms, by=call.by, now=call.now)
    return contract_id


def _given(call: Call, make: Making, customer_id: str, body: ContractOffer) -> Create:
    asked_for = body.usage_filter
    usage_filter = None
    if asked_for is not None:
        usage_filter = UsageFilter(
            group_key=asked_for.group_key,
            group_values=tuple(asked_for.group_values),
            starting_at=asked_for.starting_at or body.starting_at,
        )
    return Create(
        customer_id=customer_id,
        term=Interval(body.starting_at, body.ending_before),
        name=body.name,
        rate_card_id=body.rate_card_id or body.rate_card_alias,
        terms=added(make, body),
        usage_filter=usage_filter,
        statement=statement(body.usage_statement_schedule),
        prioritization=body.multiplier_override_prioritization,
        transition=transition(body.transition),
        net_payment_terms_days=body.net_payment_terms_days,
        charges_on_usage_invoices=body.scheduled_charges_on_usage_invoices is not None,
        settings=_settings(call, make, customer_id, body),
        uniqueness_key=body.uniqueness_key,
        custom_fields=body.custom_fields,
    )


def _settings(call: Call, make: Making, customer_id: str, body: ContractOffer) -> ContractSettings:
    value = body.total_contract_value
    sent = body.billing_provider_configuration
    provider = None if sent is None else provider_segment(call, customer_id, sent)
    recognized = body.revenue_system_configuration
    system = None if recognized is None else revenue_segment(call, customer_id, recognized)
    start = body.starting_at
    return ContractSettings(
        spend_threshold=spend_threshold(body.spend_threshold_configuration),
        balance_threshold=balance_threshold(make, body.prepaid_balance_threshold_configuration),
        trackers=tuple(tracker(make, one) for one in body.spend_trackers),
        hierarchy=hierarchy(body.hierarchy_configuration),
        providers=() if provider is None else (replace(provider, effective_at=start),),
        revenue_systems=() if system is None else (replace(system, effective_at=start),),
        echoed=sparse(
            total_contract_value=None if value is None else canonical(value),
            netsuite_sales_order_id=body.netsuite_sales_order_id,
            salesforce_opportunity_id=body.salesforce_opportunity_id,
        ),
    )


def _ordered(call: Call, customer_id: str, body: ContractOffer) -> str:
    """A contract from a package; nothing else may be said (R310)."""
    if body.package_id is not None and body.package_alias is not None:
        raise Refused("package_id: give it or package_alias, not both (2.7)")
    extra = sorted(body.model_fields_set - WITH_PACKAGE)
    if extra:
        raise Refused(f"{extra[0]}: cannot be combined with a package (R310)")
    call.engine.customer(customer_id)
    contract_id = call.new_id()
    name = body.package_id or body.package_alias or ""
    order = PackageOrder(
        customer_id=customer_id,
        starting_at=body.starting_at,
        uniqueness_key=body.uniqueness_key,
        transition=transition(body.transition),
        custom_fields=body.custom_fields,
    )
    providers = _providers(call, customer_id, name, body.starting_at)
    note = EditNote(by=call.by, now=call.now)
    call.engine.packages.order(name, contract_id, order, note, providers)
    return contract_id


def _providers(
    call: Call, customer_id: str, name: str, start: datetime
) -> tuple[ProviderSegment, ...]:
    """The customer's configuration at the package's billing provider; raises NotFound for none."""
    package = call.engine.packages.named(name, start)
    if package.billing_provider is None:
        return ()
    sent = ProviderSent(
        billing_provider=package.billing_provider, delivery_method=package.delivery_method
    )
    return (replace(provider_segment(call, customer_id, sent), effective_at=start),)
