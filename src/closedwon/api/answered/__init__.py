"""What each route answers, by method and path; for the document, and held to by tests.

``None`` is ``{}``, ``bytes`` a PDF.
"""

from collections.abc import Mapping
from typing import Any

from closedwon.api.answered import catalogue, contracts, customers, invoices
from closedwon.api.answered.kinds import (
    Anything,
    Cursored,
    CustomerId,
    Id,
    Listing,
    Made,
    One,
    Page,
    TypedDict,
)

CARDS = "/v1/contract-pricing/rate-cards"
PRODUCTS = "/v1/contract-pricing/products"
CUSTOMER = "/v1/customers/{customer_id}"
INVOICES = f"{CUSTOMER}/invoices"


class Services(TypedDict):
    """Addresses calls come from."""

    services: list[Anything]


MADE = (
    "POST /v1/customers/archive",
    "POST /v1/billable-metrics/create",
    "POST /v1/billable-metrics/archive",
    "PUT /v1/billable-metrics/{billable_metric_id}",
    *(f"POST {PRODUCTS}/{verb}" for verb in ("create", "update", "archive")),
    *(
        f"POST {CARDS}/{verb}"
        for verb in (
            "create",
            "update",
            "archive",
            "setRateCardProductsOrder",
            "moveRateCardProducts",
            "addRates",
        )
    ),
    "POST /v1/contracts/create",
    "POST /v1/contracts/amend",
    "POST /v1/contracts/updateEndDate",
    "POST /v1/contracts/archive",
    "POST /v1/contracts/updateInvoiceIssueDate",
    "POST /v1/contracts/customerCommits/create",
    "POST /v1/contracts/customerCommits/updateEndDate",
    "POST /v1/contracts/customerCredits/create",
    "POST /v1/contracts/customerCredits/updateEndDate",
    "POST /v1/contracts/commits/disableTrueup",
    "POST /v2/contracts/commits/edit",
    "POST /v2/contracts/commits/archive",
    "POST /v2/contracts/credits/edit",
    "POST /v2/contracts/credits/archive",
    "POST /v1/packages/create",
    "POST /v1/packages/archive",
    "POST /v1/credit-types/create",
    "POST /v1/credit-types/archive",
    "POST /v1/invoices/void",
    "POST /v1/invoices/regenerate",
    "POST /v1/alerts/create",
    "POST /v1/alerts/archive",
)
"""Routes that answer the id of what they made or changed."""
NOTHING = (
    f"POST {CUSTOMER}/setIngestAliases",
    f"POST {CUSTOMER}/updateConfig",
    "POST /v1/customers/setBillableStatus",
    "POST /v1/ingest",
    "POST /v1/contracts/setUsageFilter",
    "POST /v1/contracts/addManualBalanceLedgerEntry",
    "POST /v1/contracts/commits/threshold-billing/release",
    *(f"POST /v1/customFields/{verb}" for verb in ("addKey", "removeKey")),
    *(f"POST /v1/customFields/{verb}" for verb in ("setValues", "deleteValues")),
    "POST /v1/customer-alerts/reset",
    f"POST {CUSTOMER}/billing-config/{{billing_provider_type}}",
    f"DELETE {CUSTOMER}/billing-config/{{billing_provider_type}}",
    "POST /v1/customers/updateNamedSchedule",
    "POST /v1/contracts/updateNamedSchedule",
    f"POST {CARDS}/updateNamedSchedule",
)
"""Routes that answer ``{}``."""
OURS = {
    "GET /closedwon/deals": Page[Anything],
    "GET /closedwon/deals/{opportunity_id}": One[Anything],
    "GET /closedwon/deals/{opportunity_id}/plan": One[Anything],
    "GET /closedwon/invoices/{invoice_id}/lines/{line}/explain": One[Anything],
    "GET /closedwon/customers/{customer_id}/forecast": One[Anything],
    "POST /closedwon/ingest": One[Anything],
    "GET /closedwon/parked": Page[Anything],
    "GET /closedwon/parked/{subject}": Listing[Anything],
    "POST /closedwon/parked/release": One[Anything],
    "GET /closedwon/problems": Page[Anything],
    "POST /closedwon/problems/release": One[CustomerId],
    "GET /closedwon/reconcile": One[Anything],
    "GET /closedwon/trace": One[Anything],
    "GET /closedwon/rebuild": One[Anything],
    "POST /closedwon/verify": One[Anything],
    "POST /closedwon/whatif": One[Anything],
    "GET /closedwon/clock": One[Anything],
    "POST /closedwon/clock": One[Anything],
}
ANSWERS: Mapping[str, Any] = {
    **dict.fromkeys(MADE, Made),
    **dict.fromkeys(NOTHING),
    **OURS,
    "POST /v1/customers": One[customers.Brief],
    "GET /v1/customers": Page[customers.Customer],
    f"GET {CUSTOMER}": One[customers.Customer],
    f"POST {CUSTOMER}/setName": One[customers.Brief],
    "POST /v1/usage": Page[customers.UsageWindow],
    "POST /v1/usage/groups": Page[customers.UsageGroup],
    "POST /v1/events/search": list[customers.Event],
    "GET /v1/billable-metrics": Page[catalogue.Metric],
    "GET /v1/billable-metrics/{billable_metric_id}": One[catalogue.Metric],
    f"GET {CUSTOMER}/billable-metrics": Page[catalogue.Metric],
    f"POST {PRODUCTS}/get": One[catalogue.Product],
    f"POST {PRODUCTS}/list": Page[catalogue.Product],
    f"POST {CARDS}/get": One[catalogue.RateCard],
    f"POST {CARDS}/list": Page[catalogue.RateCard],
    f"POST {CARDS}/addRate": One[catalogue.Price],
    f"POST {CARDS}/getRates": Page[catalogue.Rate],
    f"POST {CARDS}/getRateSchedule": Page[catalogue.Rate],
    "POST /v1/customers/getNamedSchedule": Listing[catalogue.NamedSegment],
    "POST /v1/contracts/getNamedSchedule": Listing[catalogue.NamedSegment],
    f"POST {CARDS}/getNamedSchedule": Listing[catalogue.NamedSegment],
    "POST /v1/contracts/listNamedSchedules": Page[Anything],
    "POST /v1/contracts/get": One[contracts.ContractV1],
    "POST /v2/contracts/get": One[contracts.Contract],
    "POST /v1/contracts/list": Page[contracts.ContractV1],
    "POST /v2/contracts/list": Page[contracts.Contract],
    "POST /v2/contracts/edit": One[contracts.Edited],
    "POST /v2/contracts/getEditHistory": Listing[contracts.Edit],
    "POST /v1/contracts/customerCommits/list": Page[contracts.Balance],
    "POST /v1/contracts/customerCredits/list": Page[contracts.Balance],
    "POST /v1/contracts/customerBalances/list": Page[contracts.Balance],
    "POST /v1/contracts/customerBalances/getNetBalance": One[contracts.NetBalance],
    "POST /v1/contracts/getSubscriptionQuantityHistory": One[contracts.Quantities],
    "POST /v1/contracts/getSubscriptionSeatsHistory": Page[contracts.Seats],
    "POST /v1/contracts/seatBalances/list": contracts.SeatPage,
    "POST /v1/contracts/getContractRateSchedule": Page[catalogue.ContractRate],
    "POST /v1/packages/get": One[catalogue.Package],
    "POST /v1/packages/list": Page[catalogue.Package],
    "POST /v1/packages/listContractsOnPackage": Page[contracts.OnPackage],
    "GET /v1/credit-types/list": Page[catalogue.CreditType],
    "POST /v1/customFields/listKeys": Page[customers.FieldKey],
    "GET /v1/auditLogs": Page[customers.AuditLog],
    "POST /v1/dashboards/getEmbeddableUrl": One[customers.Embeddable],
    f"GET {INVOICES}": Page[invoices.Invoice],
    f"GET {INVOICES}/breakdowns": Page[invoices.Part],
    f"POST {INVOICES}/spend-breakdowns": Page[invoices.Spend],
    f"GET {INVOICES}/{{invoice_id}}": One[invoices.Invoice],
    f"GET {INVOICES}/{{invoice_id}}/pdf": bytes,
    f"POST {CUSTOMER}/previewEvents": Listing[invoices.Invoice],
    "POST /v1/contracts/createHistoricalInvoices": Listing[invoices.Invoice],
    "POST /v1/contracts/scheduleProServicesInvoice": Listing[invoices.Invoice],
    "POST /v1/customer-alerts/get": One[customers.CustomerAlert],
    "POST /v1/customer-alerts/list": Page[customers.CustomerAlert],
    **{
        f"POST /v2/notifications/{verb}": One[customers.Notification]
        for verb in ("create", "get", "edit", "archive")
    },
    "POST /v2/notifications/offset/list": Cursored[customers.Notification],
    "POST /v2/notifications/system/list": Cursored[customers.SystemEvent],
    "POST /v1/setCustomerBillingProviderConfigurations": Listing[customers.Configured],
    "POST /v1/getCustomerBillingProviderConfigurations": Listing[customers.Configuration],
    "POST /v1/archiveCustomerBillingProviderConfigurations": One[Anything],
    "POST /v1/listConfiguredBillingProviders": Page[Anything],
    "POST /v1/setCustomerRevenueSystemConfigurations": Listing[Anything],
    "POST /v1/getCustomerRevenueSystemConfigurations": Listing[Anything],
    "POST /v1/archiveCustomerRevenueSystemConfigurations": One[Anything],
    f"GET {CUSTOMER}/billing-config/{{billing_provider_type}}": One[Anything],
    "POST /v1/composite/createCustomerWithContract": One[Anything],
    "GET /v1/services": Services,
}
__all__ = ["ANSWERS", "Id"]
