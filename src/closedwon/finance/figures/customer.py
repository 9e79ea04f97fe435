"""Meter_Customer__c: the balance and pace of a whole customer."""

from datetime import date
from decimal import Decimal

from closedwon.billing.balances.seats import contract_level
from closedwon.billing.contracts.terms import CommitKind
from closedwon.finance.figures.burn import Pool, exhausted_on, per_day, spent
from closedwon.finance.figures.picture import Picture, last_day
from closedwon.finance.figures.row import CUSTOMER, WantedRow, compact
from closedwon.kernel.calendar import add_months
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import midnight

NAME_MAX = 80
"""Length of a record name in Salesforce."""


def customer_row(picture: Picture) -> WantedRow:
    """One row per customer; balances count only segments open now, as people can draw them."""
    customer = picture.account.customer
    expiry = _next_expiry(picture)
    exhausted = _exhausted_on(picture)
    fields = compact(
        Name=customer.name[:NAME_MAX],
        Environment__c=picture.environment,
        Account__c=customer.salesforce_account_id,
        Customer_Id__c=customer.id,
        Status__c="Active" if customer.archived_at is None else "Archived",
        Balance_Total__c=picture.money(_drawable(picture, None), picture.fiat_id),
        Prepaid_Remaining__c=picture.money(_drawable(picture, CommitKind.PREPAID), picture.fiat_id),
        Spend_This_Month__c=picture.money(_spend_of(picture, 0), picture.fiat_id),
        Spend_Last_Month__c=picture.money(_spend_of(picture, -1), picture.fiat_id),
        Console_Url__c=f"{picture.console_url}/customers/{customer.id}"
        if picture.console_url
        else None,
    )
    dates = {
        "Next_Expiry_Date__c": None if expiry is None else expiry.isoformat(),
        "Forecast_Exhaustion_Date__c": None if exhausted is None else exhausted.isoformat(),
    }
    return WantedRow(key=picture.customer_key, object_name=CUSTOMER, fields={**fields, **dates})


def _drawable(picture: Picture, kind: CommitKind | None) -> Decimal:
    commits = {commit.id: commit for commit in picture.bill.commits}
    return sum(
        (
            balance.remaining
            for balance in contract_level(picture.bill.balances)
            if balance.is_active
            and kind in (None, commits[balance.commit_id].kind)
            and commits[balance.commit_id].access_credit_type_id == picture.fiat_id
        ),
        ZERO,
    )


def _spend_of(picture: Picture, months: int) -> Decimal:
    first = midnight(picture.now.date().replace(day=1))
    since, until = add_months(first, months), add_months(first, months + 1)
    return sum(
        (
            spent(invoice)
            for invoice in picture.usage_invoices
            if invoice.start is not None and since <= invoice.start < until
        ),
        ZERO,
    )


def _next_expiry(picture: Picture) -> date | None:
    """Last usable day of the open balance that ends first."""
    pools = [pool for pool in pools_of(picture) if pool.remaining > 0]
    open_now = [pool.window.end for pool in pools if pool.window.covers(picture.now)]
    return last_day(min((end for end in open_now if end is not None), default=None))


def _exhausted_on(picture: Picture) -> date | None:
    pace = per_day(picture.usage_invoices, picture.now)
    return exhausted_on(pools_of(picture), pace, picture.now)


def pools_of(picture: Picture) -> list[Pool]:
    """Every segment in the customer's currency that no seat owns, with what is left of it."""
    windows = {
        segment.id: segment.window
        for commit in picture.bill.commits
        if commit.access_credit_type_id == picture.fiat_id
        for segment in commit.segments
    }
    return [
        Pool(windows[balance.segment_id], balance.remaining)
        for balance in contract_level(picture.bill.balances)
        if balance.segment_id in windows
    ]
