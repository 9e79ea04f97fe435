"""Contracts changed: edited, ended, filtered, archived; their history (2.8; R112-R123)."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from closedwon.api.answers import Unsupported
from closedwon.api.call import Call, Route
from closedwon.api.model import Days, Id, Instant, Key, Wire, word
from closedwon.api.shown.edits import edit_shape, history_shapes
from closedwon.api.shown.showing import own_contract, showing
from closedwon.api.terms.balances import BalanceSent, RecurringSent
from closedwon.api.terms.charges import ChargeSent, RoyaltySent, ServiceSent
from closedwon.api.terms.contract import (
    ProviderSent,
    RevenueSent,
    added,
    with_temporary_ids,
)
from closedwon.api.terms.making import Making, making
from closedwon.api.terms.overrides import OverrideSent
from closedwon.api.terms.revisions import replaced
from closedwon.api.terms.revisions import settings as revised_settings
from closedwon.api.terms.seat_updates import SubscriptionUpdateSent
from closedwon.api.terms.setting_updates import ThresholdUpdateSent
from closedwon.api.terms.settings import (
    BalanceThresholdSent,
    SpendThresholdSent,
    TrackerSent,
)
from closedwon.api.terms.subscriptions import SubscriptionSent
from closedwon.api.terms.updates import (
    BalanceUpdateSent,
    ChargeUpdateSent,
    RecurringUpdateSent,
)
from closedwon.billing.contracts.edits import (
    Archive,
    Change,
    ChangeEnd,
    FilterUsage,
    Revise,
)
from closedwon.billing.contracts.provider_schedule import EffectiveAt
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import UsageFilter
from closedwon.kernel.errors import Refused
from closedwon.store.tokens import Scope


class Which(Wire):
    """A contract of a customer."""

    customer_id: str
    contract_id: str


class ScheduleAt(Wire):
    """When another provider takes over."""

    effective_at: Annotated[EffectiveAt, word(EffectiveAt)]


class ProviderUpdate(Wire):
    """add_billing_provider_configuration_update (R103)."""

    billing_provider_configuration: ProviderSent
    schedule: ScheduleAt


class RevenueUpdate(Wire):
    """add_revenue_system_configuration_update."""

    revenue_system_configuration: RevenueSent
    schedule: ScheduleAt


class EditBody(Wire):
    """POST /v2/contracts/edit."""

    customer_id: str
    contract_id: str
    uniqueness_key: Key | None = None
    add_commits: list[BalanceSent] = []
    add_credits: list[BalanceSent] = []
    add_recurring_commits: list[RecurringSent] = []
    add_recurring_credits: list[RecurringSent] = []
    add_overrides: list[OverrideSent] = []
    add_scheduled_charges: list[ChargeSent] = []
    add_discounts: list[ChargeSent] = []
    add_professional_services: list[ServiceSent] = []
    add_reseller_royalties: list[RoyaltySent] = []
    add_subscriptions: list[SubscriptionSent] = Field(
        default=[], validation_alias=AliasChoices("add_subscriptions", "add_subscription")
    )
    add_spend_threshold_configuration: SpendThresholdSent | None = None
    add_prepaid_balance_threshold_configuration: BalanceThresholdSent | None = None
    add_spend_trackers: list[TrackerSent] = []
    add_billing_provider_configuration_update: ProviderUpdate | None = None
    add_revenue_system_configuration_update: RevenueUpdate | None = None
    update_contract_name: str | None = None
    update_contract_end_date: Instant | None = None
    update_net_payment_terms_days: Days | None = None
    update_commits: list[BalanceUpdateSent] = []
    update_credits: list[BalanceUpdateSent] = []
    update_scheduled_charges: list[ChargeUpdateSent] = []
    update_recurring_commits: list[RecurringUpdateSent] = []
    update_recurring_credits: list[RecurringUpdateSent] = []
    update_subscriptions: list[SubscriptionUpdateSent] = []
    update_spend_threshold_configuration: ThresholdUpdateSent | None = None
    update_prepaid_balance_threshold_configuration: ThresholdUpdateSent | None = None
    archive_commits: list[Id] = []
    archive_credits: list[Id] = []
    archive_scheduled_charges: list[Id] = []
    archive_spend_trackers: list[str] = []
    remove_overrides: list[Id] = []
    allow_contract_ending_before_finalized_invoice: bool = False


class EndBody(Wire):
    """POST /v1/contracts/updateEndDate; without an end the contract is open (R117, R118)."""

    customer_id: str
    contract_id: str
    ending_before: Instant | None = None
    allow_ending_before_finalized_invoice: bool = False


class FilterBody(Wire):
    """POST /v1/contracts/setUsageFilter (R105, R106)."""

    customer_id: str
    contract_id: str
    group_key: str
    group_values: Annotated[list[str], Field(min_length=1)]
    starting_at: Instant


class ArchiveBody(Wire):
    """POST /v1/contracts/archive (R123)."""

    customer_id: str
    contract_id: str
    void_invoices: bool


def edit(call: Call, body: EditBody) -> Any:
    """Add, update, archive and remove terms in one edit, all or nothing (R112)."""
    if body.model_fields_set <= {"customer_id", "contract_id", "uniqueness_key"}:
        raise Refused("an edit says what is to change (2.8)")
    if "update_net_payment_terms_days" in body.model_fields_set:
        _check_days(body.update_net_payment_terms_days)
    contract = own_contract(call, body.customer_id, body.contract_id)
    make = _making(call, contract, body, "add_")
    change = _revision(call, make, contract, body)
    edit_id = _edited(call, contract, change, body.uniqueness_key)
    show = showing(call, body.customer_id)
    shape = edit_shape(show, call.engine.edits(contract.id))
    return {"data": {"id": contract.id, "edit": {**shape, "id": edit_id}}}


def get_edit_history(call: Call, body: Which) -> Any:
    """Every edit, oldest first; ends and usage filters too (R115)."""
    own_contract(call, body.customer_id, body.contract_id)
    show = showing(call, body.customer_id)
    return {"data": history_shapes(show, call.engine.edits(body.contract_id))}


def update_end_date(call: Call, body: EndBody) -> Any:
    """Move the contract's end, or open it."""
    contract = own_contract(call, body.customer_id, body.contract_id)
    change = ChangeEnd(
        ending_before=body.ending_before,
        allow_before_finalized=body.allow_ending_before_finalized_invoice,
    )
    _edited(call, contract, change)
    return {"data": {"id": contract.id}}


def set_usage_filter(call: Call, body: FilterBody) -> None:
    """Rate only some events from an instant on."""
    contract = own_contract(call, body.customer_id, body.contract_id)
    usage_filter = UsageFilter(
        group_key=body.group_key,
        group_values=tuple(body.group_values),
        starting_at=body.starting_at,
    )
    _edited(call, contract, FilterUsage(usage_filter=usage_filter))


def archive(call: Call, body: ArchiveBody) -> Any:
    """End every term for good."""
    contract = own_contract(call, body.customer_id, body.contract_id)
    _edited(call, contract, Archive(void_invoices=body.void_invoices))
    return {"data": {"id": contract.id}}


def _edited(call: Call, contract: Contract, change: Change, key: str | None = None) -> str:
    edit_id = call.new_id()
    call.engine.edit_contract(
        contract.id, change, by=call.by, now=call.now, edit_id=edit_id, uniqueness_key=key
    )
    return edit_id


def _making(call: Call, contract: Contract, body: Any, prefix: str = "") -> Making:
    card = call.engine.catalog().rate_cards.get(contract.rate_card_id or "")
    return making(call, contract.term.start, card, with_temporary_ids(body, prefix))


def _check_days(days: int | None) -> None:
    if days is None:
        raise Unsupported("update_net_payment_terms_days: can be changed, not cleared")


def _revision(call: Call, make: Making, contract: Contract, body: EditBody) -> Revise:
    sent = body.model_fields_set
    end = None
    if "update_contract_end_date" in sent:
        end = ChangeEnd(
            ending_before=body.update_contract_end_date,
            allow_before_finalized=body.allow_contract_ending_before_finalized_invoice,
        )
    archived = (*body.archive_commits, *body.archive_credits, *body.archive_scheduled_charges)
    settings = revised_settings(call, make, contract, body)
    return Revise(
        add=added(make, body, "add_"),
        replace=replaced(make, contract, body),
        remove_ids=tuple(one.id for one in body.remove_overrides),
        archive_ids=tuple(one.id for one in archived),
        name=(body.update_contract_name or "") if "update_contract_name" in sent else None,
        net_payment_terms_days=body.update_net_payment_terms_days,
        settings=None if settings == contract.settings else settings,
        end=end,
    )


V1, V2 = "/v1/contracts", "/v2/contracts"
ROUTES = (
    Route(method="POST", path=f"{V2}/edit", scope=Scope.WRITE, do=edit, body=EditBody),
    Route(
        method="POST",
        path=f"{V2}/getEditHistory",
        scope=Scope.READ,
        do=get_edit_history,
        body=Which,
    ),
    Route(
        method="POST",
        path=f"{V1}/updateEndDate",
        scope=Scope.WRITE,
        do=update_end_date,
        body=EndBody,
    ),
    Route(
        method="POST",
        path=f"{V1}/setUsageFilter",
        scope=Scope.WRITE,
        do=set_usage_filter,
        body=FilterBody,
    ),
    Route(method="POST", path=f"{V1}/archive", scope=Scope.WRITE, do=archive, body=ArchiveBody),
)
