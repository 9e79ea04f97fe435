"""Dashboards to embed: a link to a page that needs no token (metronome.md 2.3)."""

from typing import Annotated, Any

from pydantic import Field

from closedwon.api.call import Call, Route
from closedwon.api.embedded import address_of
from closedwon.api.model import Wire, one_of, word
from closedwon.api.shown.showing import own_contract
from closedwon.billing.invoices.types import InvoiceStatus, InvoiceType
from closedwon.delivery.documents.dashboards import COLOR_NAMES
from closedwon.engine import embedded_links
from closedwon.kernel.errors import NotFound, Refused
from closedwon.store.embedded_links import Dashboard, GroupNames, View
from closedwon.store.tokens import Scope

OVERRIDES_MAX = 100
"""Overrides and options of one link."""
HEX = r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"
INVOICES = (Dashboard.INVOICES,)
BALANCES = (Dashboard.CREDITS, Dashboard.COMMITS_AND_CREDITS)
OPTIONS = {
    "show_zero_usage_line_items": INVOICES,
    "contract_id": INVOICES,
    "invoice_type": INVOICES,
    "invoice_status_filter": INVOICES,
    "hide_voided_invoices": INVOICES,
    "billable_status_filter": INVOICES,
    "hide_grant_name": BALANCES,
    "credit_ledger_credit_type_id": BALANCES,
}
"""The dashboards that each option means something on."""
FLAGS = {"TRUE": True, "FALSE": False}
TYPES = {one.value: one for one in (InvoiceType.USAGE, InvoiceType.SCHEDULED)}
STATUSES = {
    **{one.value: (one,) for one in InvoiceStatus},
    "FINALIZED_AND_DRAFT": (InvoiceStatus.FINALIZED, InvoiceStatus.DRAFT),
    "ALL": tuple(InvoiceStatus),
}
BILLABLE = {"BILLABLE": True, "UNBILLABLE": False, "ALL": None}


class GroupKeyOverride(Wire):
    """What a group key and its values are called; the usage is told by this key, too."""

    group_key_name: str = Field(min_length=1)
    display_name: str | None = None
    value_display_names: dict[str, str] = {}


class ColorOverride(Wire):
    """A colour of the page, hexadecimal."""

    name: Annotated[str, one_of(*COLOR_NAMES)]
    value: str = Field(pattern=HEX)


class Option(Wire):
    """What is shown; the value is a text."""

    key: Annotated[str, one_of(*OPTIONS)]
    value: str


class EmbeddableUrl(Wire):
    """POST /v1/dashboards/getEmbeddableUrl."""

    customer_id: str
    dashboard: Annotated[Dashboard, word(Dashboard)]
    bm_group_key_overrides: Annotated[list[GroupKeyOverride], Field(max_length=OVERRIDES_MAX)] = []
    color_overrides: Annotated[list[ColorOverride], Field(max_length=OVERRIDES_MAX)] = []
    dashboard_options: Annotated[list[Option], Field(max_length=OVERRIDES_MAX)] = []


def embeddable_url(call: Call, body: EmbeddableUrl) -> Any:
    """A URL that shows one dashboard of one customer, without a token, for an hour.

    Every call makes another one, also with the same Idempotency-Key: the secret in it is not kept.
    A link dies with the token it was asked for with.
    """
    call.engine.customer(body.customer_id)
    view = _view(call, body)
    secret = call.new_secret()
    embedded_links.make(
        call.engine.stores, body.customer_id, view, secret, by=call.by, now=call.now
    )
    return {"data": {"url": address_of(call, secret)}}


def _view(call: Call, body: EmbeddableUrl) -> View:
    options = _options(body)
    contract_id = options.get("contract_id")
    if contract_id is not None:
        own_contract(call, body.customer_id, contract_id)
    unit = options.get("credit_ledger_credit_type_id")
    if unit is not None and unit not in call.engine.catalog().credit_types:
        raise NotFound("no such credit type", credit_type=unit)
    statuses = _chosen(options, "invoice_status_filter", STATUSES, STATUSES["ALL"])
    if _chosen(options, "hide_voided_invoices", FLAGS, other=False):
        statuses = tuple(one for one in statuses if one is not InvoiceStatus.VOID)
    return View(
        dashboard=body.dashboard,
        colors={one.name: f"#{one.value.removeprefix('#')}" for one in body.color_overrides},
        groups=_groups(body),
        shows_zero_lines=_chosen(options, "show_zero_usage_line_items", FLAGS, other=False),
        contract_id=contract_id,
        invoice_type=_chosen(options, "invoice_type", TYPES, None),
        statuses=statuses,
        is_billable=_chosen(options, "billable_status_filter", BILLABLE, None),
        hides_names=_chosen(options, "hide_grant_name", FLAGS, other=False),
        credit_type_id=unit,
    )


def _options(body: EmbeddableUrl) -> dict[str, str]:
    """Each key once, and on a dashboard it means something on; raises Refused."""
    found: dict[str, str] = {}
    for option in body.dashboard_options:
        if option.key in found:
            raise Refused(f"dashboard_options: {option.key} is given twice")
        if body.dashboard not in OPTIONS[option.key]:
            raise Refused(
                f"dashboard_options: {option.key} means nothing on the {body.dashboard} dashboard"
            )
        found[option.key] = option.value
    return found


def _groups(body: EmbeddableUrl) -> dict[str, GroupNames]:
    if body.bm_group_key_overrides and body.dashboard is not Dashboard.USAGE:
        raise Refused("bm_group_key_overrides: only the usage dashboard tells usage by group")
    return {
        one.group_key_name: GroupNames(
            name=one.display_name or one.group_key_name, values=one.value_display_names
        )
        for one in body.bm_group_key_overrides
    }


def _chosen(options: dict[str, str], key: str, words: dict[str, Any], other: Any) -> Any:
    """What the option's value stands for, in any case; ``other`` where it is not given."""
    value = options.get(key)
    if value is None:
        return other
    if value.upper() not in words:
        expected = ", ".join(words)
        raise Refused(f"dashboard_options: {key} is one of {expected}, not {value!r}")
    return words[value.upper()]


ROUTES = (
    Route(
        method="POST",
        path="/v1/dashboards/getEmbeddableUrl",
        scope=Scope.READ,
        do=embeddable_url,
        body=EmbeddableUrl,
        makes_secret=True,
    ),
)
