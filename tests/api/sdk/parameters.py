"""Every parameter a method of the SDK has, found by looking at its types; those we do not take."""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from api.sdk.methods import Method

NEW_YEAR = "2027-01-01T00:00:00Z"
PARAMETERS = re.compile(r"(\w+_params)\.(\w+Params)\b")
AMOUNT = "an amount without a schedule is the oldest form of a commit; access_schedule says it all"
PRORATED = "a subscription's rate is FLAT with a billing_frequency (R67)"
TAXED = "who takes the payment of one commit works out its tax"
GATED = "the vendor gates it"
PLANS = "alerts on plans and credit grants are not there"
NO_TAX = "the engine knows no tax (R145)"
NETSUITE = {"netsuite_internal_item_id": GATED, "netsuite_overage_item_id": GATED}
NO_FIELDS = "invoices go to NetSuite as they are, without more fields"
NOT_TAKEN: Mapping[str, Mapping[str, str]] = {
    "v1.alerts.create": {"credit_grant_type_filters": PLANS, "plan_id": PLANS},
    "v1.contracts.amend": {
        "commits.amount": AMOUNT,
        "overrides.overwrite_rate.is_prorated": PRORATED,
        "overrides.overwrite_rate.quantity": PRORATED,
    },
    "v1.contracts.create": {
        "commits.amount": AMOUNT,
        "overrides.overwrite_rate.is_prorated": PRORATED,
        "overrides.overwrite_rate.quantity": PRORATED,
    },
    "v1.contracts.products.create": NETSUITE,
    "v1.contracts.products.update": NETSUITE,
    "v1.contracts.rate_cards.rates.add": {"is_prorated": PRORATED, "quantity": PRORATED},
    "v1.contracts.rate_cards.rates.add_many": {
        "rates.is_prorated": PRORATED,
        "rates.quantity": PRORATED,
    },
    "v1.customers.create": {"customer_billing_provider_configurations.tax_provider": NO_TAX},
    "v1.customers.set_billing_configurations": {"data.tax_provider": NO_TAX},
    "v1.contracts.schedule_pro_services_invoice": {
        "line_items.metadata": NO_FIELDS,
        "line_items.netsuite_invoice_billing_end": NO_FIELDS,
        "line_items.netsuite_invoice_billing_start": NO_FIELDS,
        "netsuite_invoice_header_end": NO_FIELDS,
        "netsuite_invoice_header_start": NO_FIELDS,
    },
    "v2.contracts.edit": {
        "add_commits.amount": AMOUNT,
        "add_commits.payment_gate_config.precalculated_tax_config": TAXED,
        "add_commits.payment_gate_config.stripe_config": TAXED,
        "add_overrides.overwrite_rate.is_prorated": PRORATED,
        "add_overrides.overwrite_rate.quantity": PRORATED,
    },
}
"""By method, parameters that are refused by name, and why."""
LOOSE = ("v1.packages", "v1.usage.search")
"""Methods of which a case need not send every parameter: terms of packages are those of contracts;
and the one parameter of the search has another name in its body."""
ASKED_BY_PAGES = frozenset({"limit", "next_page", "cursor"})
"""Of methods with pages the test of their pages sends these."""


def parameters(method: Method, bound: Any) -> frozenset[str]:
    """Dotted paths of all of them, without those of the URL, of pages and those not taken."""
    source = inspect.getsource(bound)
    there = vars(sys.modules[type(bound.__self__).__module__])
    found = {
        path
        for module, name in set(PARAMETERS.findall(source))
        for path in _paths(getattr(there[module], name), "")
    }
    elsewhere = set(re.findall(r"{(\w+)}", method.path)) | {"body"}
    if method.is_paged:
        elsewhere |= ASKED_BY_PAGES
    not_taken = NOT_TAKEN.get(method.name, {})
    return frozenset(
        path
        for path in found - elsewhere
        if not any(path == one or path.startswith(f"{one}.") for one in not_taken)
    )


def paths_of(sent: Any, prefix: str = "") -> Iterator[str]:
    """Dotted paths of everything in a body."""
    match sent:
        case dict():
            for name, inner in sent.items():
                yield f"{prefix}{name}"
                yield from paths_of(inner, f"{prefix}{name}.")
        case list():
            for inner in sent:
                yield from paths_of(inner, prefix)
        case _:
            pass


def with_parameter(body: Any, path: str) -> Any:
    """``body`` with an instant at ``path``, in the first place that has room for it."""
    name, _, rest = path.partition(".")
    if isinstance(body, list):
        at = next(at for at, one in enumerate(body) if not rest or name in one)
        return [*body[:at], with_parameter(body[at], path), *body[at + 1 :]]
    inner = with_parameter(body[name], rest) if rest else NEW_YEAR
    return {**body, name: inner}


def _paths(kind: Any, prefix: str) -> Iterator[str]:
    for name, hint in get_type_hints(kind).items():
        yield f"{prefix}{name}"
        for inner in _kinds(hint):
            yield from _paths(inner, f"{prefix}{name}.")


def _kinds(hint: Any) -> Iterator[Any]:
    """The typed dictionaries in a hint, through options and lists."""
    if is_typeddict(hint):
        yield hint
    elif get_origin(hint) is not dict:
        for inner in get_args(hint):
            yield from _kinds(inner)
