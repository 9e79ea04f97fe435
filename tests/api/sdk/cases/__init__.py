"""SHELF: one file per resource of the SDK; each registers its cases, and this file reads them."""

from api.sdk.cases import alerts as alerts
from api.sdk.cases import audit_logs as audit_logs
from api.sdk.cases import balance_changes as balance_changes
from api.sdk.cases import balances as balances
from api.sdk.cases import billable_metrics as billable_metrics
from api.sdk.cases import billing_providers as billing_providers
from api.sdk.cases import contract_changes as contract_changes
from api.sdk.cases import contract_edits as contract_edits
from api.sdk.cases import contract_reads as contract_reads
from api.sdk.cases import contracts as contracts
from api.sdk.cases import contracts_flat as contracts_flat
from api.sdk.cases import custom_fields as custom_fields
from api.sdk.cases import customers as customers
from api.sdk.cases import dashboards as dashboards
from api.sdk.cases import invoices as invoices
from api.sdk.cases import named_schedules as named_schedules
from api.sdk.cases import notifications as notifications
from api.sdk.cases import packages as packages
from api.sdk.cases import pricing_units as pricing_units
from api.sdk.cases import products as products
from api.sdk.cases import rate_cards as rate_cards
from api.sdk.cases import rates as rates
from api.sdk.cases import usage as usage

LEGACY = frozenset(
    {
        "v1.credit_grants.create",
        "v1.credit_grants.edit",
        "v1.credit_grants.list",
        "v1.credit_grants.list_entries",
        "v1.credit_grants.void",
        "v1.customers.invoices.add_charge",
        "v1.customers.list_costs",
        "v1.customers.plans.add",
        "v1.customers.plans.end",
        "v1.customers.plans.list",
        "v1.customers.plans.list_price_adjustments",
        "v1.plans.get_details",
        "v1.plans.list",
        "v1.plans.list_charges",
        "v1.plans.list_customers",
    }
)
"""Methods of plans and credit grants: their routes answer 501."""
UNBUILT = {
    "v1.settings.billing_providers.create": "server's settings",
    "v1.settings.upsert_avalara_credentials": "server's settings",
}
"""Methods that are not here by design, and what their 501 says to use instead."""
