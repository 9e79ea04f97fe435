"""Which billing provider and revenue system configuration a contract means (2.7; R102)."""

from closedwon.api.call import Call
from closedwon.api.terms.contract import ProviderSent, RevenueSent
from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.kernel.errors import NotFound


def provider_segment(call: Call, customer_id: str, sent: ProviderSent) -> ProviderSegment:
    """The customer's configuration with this id, or with this provider and delivery method.

    Raises NotFound for none in use; ``effective_at`` is for the caller to say.
    """
    found = [
        one
        for one in call.engine.stores.providers.of_customer(customer_id)
        if one.archived_at is None
        and sent.billing_provider_configuration_id in (None, one.id)
        and sent.billing_provider in (None, one.billing_provider)
        and sent.delivery_method in (None, one.delivery_method)
    ]
    if not found or sent == ProviderSent():
        raise NotFound(
            "the customer has no such billing provider configuration in use", customer=customer_id
        )
    chosen = found[-1]
    return ProviderSegment(
        effective_at=call.now,
        configuration_id=chosen.id,
        billing_provider=chosen.billing_provider,
        delivery_method=chosen.delivery_method,
    )


def revenue_segment(call: Call, customer_id: str, sent: RevenueSent) -> ProviderSegment:
    """The customer's revenue system with this id, or with this provider and delivery method.

    Raises NotFound for none in use; ``effective_at`` is for the caller to say.
    """
    found = [
        one
        for one in call.engine.stores.revenue_systems.of_customer(customer_id)
        if one.archived_at is None
        and sent.revenue_system_configuration_id in (None, one.id)
        and sent.provider in (None, one.provider)
        and sent.delivery_method in (None, one.delivery_method)
    ]
    if not found or sent == RevenueSent():
        raise NotFound(
            "the customer has no such revenue system configuration in use", customer=customer_id
        )
    chosen = found[-1]
    return ProviderSegment(
        effective_at=call.now,
        configuration_id=chosen.id,
        billing_provider=chosen.provider,
        delivery_method=chosen.delivery_method,
    )
