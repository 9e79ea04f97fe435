"""A contract as it is sent (2.7) and the terms that several endpoints add (2.7, 2.8)."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, Field

from closedwon.api.model import Days, Instant, Key, Number, Texts, Wire, one_of, word
from closedwon.api.terms.balances import BalanceSent, RecurringSent, commit, credit, recurring
from closedwon.api.terms.charges import (
    ChargeSent,
    RoyaltySent,
    ServiceSent,
    charge,
    discount,
    royalty,
    service,
)
from closedwon.api.terms.making import Making
from closedwon.api.terms.overrides import OverrideSent, override
from closedwon.api.terms.settings import (
    BalanceThresholdSent,
    HierarchySent,
    SpendThresholdSent,
    TrackerSent,
)
from closedwon.api.terms.subscriptions import SubscriptionSent, subscription
from closedwon.billing.contracts.edits import Added
from closedwon.billing.contracts.overrides import Prioritization
from closedwon.billing.contracts.terms import (
    CommitKind,
    StatementDay,
    StatementSchedule,
    Transition,
    TransitionType,
)
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused

T = TypeVar("T")

STATEMENT_FREQUENCIES = (
    Frequency.WEEKLY,
    Frequency.MONTHLY,
    Frequency.QUARTERLY,
    Frequency.ANNUAL,
)


class StatementSent(Wire):
    """usage_statement_schedule (R96, R126)."""

    frequency: Annotated[Frequency, word(Frequency)]
    day: Annotated[StatementDay, word(StatementDay)] | None = None
    billing_anchor_date: Instant | None = None
    invoice_generation_starting_at: Instant | None = None


class TrueupSent(Wire):
    """future_invoice_behavior (R124)."""

    trueup: Annotated[str, one_of("REMOVE", "AS_IS")] | None = None


class TransitionSent(Wire):
    """How the new contract follows another."""

    type: Annotated[TransitionType, word(TransitionType)]
    from_contract_id: str
    future_invoice_behavior: TrueupSent = TrueupSent()


class FilterSent(Wire):
    """usage_filter; it holds from the contract's start unless it says from when (R105)."""

    group_key: str
    group_values: Annotated[list[str], Field(min_length=1)]
    starting_at: Instant | None = None


class ProviderSent(Wire):
    """Which billing provider invoices go to (R102)."""

    billing_provider_configuration_id: str | None = None
    billing_provider: str | None = None
    delivery_method: str | None = None


class RevenueSent(Wire):
    """Which revenue system hears of the contract (2.7)."""

    revenue_system_configuration_id: str | None = None
    provider: str | None = None
    delivery_method: str | None = None


class ContractOffer(Wire):
    """A contract without its customer."""

    starting_at: Instant
    ending_before: Instant | None = None
    name: str = ""
    uniqueness_key: Key | None = None
    rate_card_id: str | None = None
    rate_card_alias: str | None = None
    package_id: str | None = None
    package_alias: str | None = None
    net_payment_terms_days: Days | None = None
    commits: list[BalanceSent] = []
    credits: list[BalanceSent] = []
    recurring_commits: list[RecurringSent] = []
    recurring_credits: list[RecurringSent] = []
    overrides: list[OverrideSent] = []
    multiplier_override_prioritization: Annotated[Prioritization, word(Prioritization)] = (
        Prioritization.LOWEST_MULTIPLIER
    )
    scheduled_charges: list[ChargeSent] = []
    scheduled_charges_on_usage_invoices: Annotated[str, one_of("ALL")] | None = None
    discounts: list[ChargeSent] = []
    professional_services: list[ServiceSent] = []
    reseller_royalties: list[RoyaltySent] = []
    subscriptions: list[SubscriptionSent] = []
    usage_filter: FilterSent | None = None
    usage_statement_schedule: StatementSent | None = None
    transition: TransitionSent | None = None
    billing_provider_configuration: ProviderSent | None = None
    revenue_system_configuration: RevenueSent | None = None
    spend_threshold_configuration: SpendThresholdSent | None = None
    prepaid_balance_threshold_configuration: BalanceThresholdSent | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "prepaid_balance_threshold_configuration", "prepaid_balance_configuration"
        ),
    )
    spend_trackers: list[TrackerSent] = []
    hierarchy_configuration: HierarchySent | None = None
    custom_fields: Texts = {}
    total_contract_value: Number | None = None
    netsuite_sales_order_id: str | None = None
    salesforce_opportunity_id: str | None = None


class ContractSent(ContractOffer):
    """POST /v1/contracts/create."""

    customer_id: str


KINDS = (
    "commits",
    "credits",
    "recurring_commits",
    "recurring_credits",
    "overrides",
    "scheduled_charges",
    "discounts",
    "professional_services",
    "reseller_royalties",
    "subscriptions",
)
"""Lists of terms, as a contract names them; an edit puts add_ in front."""


def added(make: Making, body: Any, prefix: str = "") -> Added:
    """All terms a body brings; ``prefix`` is in front of the names of its lists."""
    sent = {kind: getattr(body, prefix + kind, ()) for kind in KINDS}

    def each(kind: str, made: Callable[[Making, Any, str], T]) -> tuple[T, ...]:
        rows = enumerate(sent[kind])
        return tuple(_placed(made, make, one, f"{prefix}{kind}.{at}") for at, one in rows)

    return Added(
        commits=each("commits", commit) + each("credits", credit),
        recurring=each("recurring_commits", _recurring_commit)
        + each("recurring_credits", _recurring_credit),
        overrides=each("overrides", override),
        charges=each("scheduled_charges", charge),
        discounts=each("discounts", discount),
        services=each("professional_services", service),
        royalties=each("reseller_royalties", royalty),
        subscriptions=each("subscriptions", subscription),
    )


def _placed(made: Callable[[Making, Any, str], T], make: Making, sent: Any, where: str) -> T:
    """The term; its id is new, so what is wrong with it is told by its place instead."""
    try:
        return made(make, sent, where)
    except Refused as error:
        if "id" not in error.facts:
            raise
        raise Refused(f"{where}: {error.message}") from error


def with_temporary_ids(body: Any, prefix: str = "") -> Iterable[Any]:
    """Terms of a body that may carry a temporary_id."""
    for kind in KINDS:
        yield from getattr(body, prefix + kind, ())


def statement(sent: StatementSent | None) -> StatementSchedule:
    """When usage is invoiced."""
    if sent is None:
        return StatementSchedule()
    if sent.frequency not in STATEMENT_FREQUENCIES:
        told = ", ".join(STATEMENT_FREQUENCIES)
        raise Refused(f"usage_statement_schedule.frequency: expected one of {told}")
    day = sent.day
    if day is None:
        has_date = sent.billing_anchor_date is not None
        day = StatementDay.CUSTOM_DATE if has_date else StatementDay.FIRST_OF_MONTH
    return StatementSchedule(
        frequency=sent.frequency,
        day=day,
        billing_anchor_date=sent.billing_anchor_date,
        invoice_generation_starting_at=sent.invoice_generation_starting_at,
    )


def transition(sent: TransitionSent | None) -> Transition | None:
    """How the contract follows another."""
    if sent is None:
        return None
    return Transition(
        type=sent.type,
        from_contract_id=sent.from_contract_id,
        removes_trueup=sent.future_invoice_behavior.trueup == "REMOVE",
    )


def _recurring_commit(make: Making, sent: RecurringSent, where: str) -> Any:
    return recurring(make, sent, CommitKind.PREPAID, where)


def _recurring_credit(make: Making, sent: RecurringSent, where: str) -> Any:
    return recurring(make, sent, CommitKind.CREDIT, where)
