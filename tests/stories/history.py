"""Years of deals of many shapes, as an admin's data loader would bring them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from closedwon.kernel.ids import id18

Row = dict[str, Any]
Records = dict[str, list[Row]]
PREFIXES = {
    "Account": "001",
    "Opportunity": "006",
    "Product2": "01t",
    "Contract": "800",
    "SBQQ__Quote__c": "a0n",
    "SBQQ__QuoteLine__c": "a0k",
}
STAMP = "2024-06-01T00:00:00.000+0000"
DATES = {"SBQQ__StartDate__c": "2024-01-01", "SBQQ__EndDate__c": "2024-12-31"}
FIXED = {"SBQQ__SubscriptionPricing__c": "Fixed Price", "SBQQ__ChargeType__c": "Recurring"}
MONTHLY = {**FIXED, "SBQQ__BillingFrequency__c": "Monthly", "SBQQ__NetPrice__c": 1200}
ONCE = {"SBQQ__ChargeType__c": "One-Time", "SBQQ__NetPrice__c": 500}
COMMIT = {
    "Deal_Term_Type__c": "Commit",
    "SBQQ__Quantity__c": 6000,
    "SBQQ__NetPrice__c": 1,
    "Commit_Key__c": "C",
}


class Shape(NamedTuple):
    """What a deal is like, and what must become of it."""

    name: str
    lines: Sequence[Row] = ()
    value: int = 0
    """Dollars it brings to billing; 0 when it is parked."""
    code: str = ""
    """Why it is parked; empty when it is provisioned."""
    quote: Mapping[str, Any] | None = DATES
    """Fields of the primary quote; None when there is none."""
    follows: str = ""
    """Shape of the deal it amends or renews; it is listed before that one."""
    renews: bool = False


SHAPES = (
    Shape("amendment before its original", [{**ONCE, "SBQQ__NetPrice__c": 90}], 90, follows="ramp"),
    Shape("monthly", [MONTHLY], 1200),
    Shape("quarterly", [{**MONTHLY, "SBQQ__BillingFrequency__c": "Quarterly"}], 1200),
    Shape("annual", [{**MONTHLY, "SBQQ__BillingFrequency__c": "Annual"}], 1200),
    Shape("in arrears", [{**MONTHLY, "SBQQ__BillingType__c": "Arrears"}], 1200),
    Shape("one-time", [ONCE], 500),
    Shape("an uneven price", [{**MONTHLY, "SBQQ__NetPrice__c": 1000}], 1000),
    Shape("ramp", [{**COMMIT, **DATES}, {**COMMIT, "SBQQ__StartDate__c": "2025-01-01",
          "SBQQ__EndDate__c": "2025-12-31"}], 12_000,
          quote={**DATES, "SBQQ__EndDate__c": "2025-12-31"}),
    Shape("bundle", [{"SBQQ__NetPrice__c": 0, "SBQQ__Bundle__c": True}, ONCE,
                     {**ONCE, "SBQQ__Bundled__c": True, "SBQQ__NetPrice__c": 0}], 500),
    Shape("an option not taken", [ONCE, {**ONCE, "SBQQ__Optional__c": True}], 500),
    Shape("term instead of an end", [MONTHLY], 1200,
          quote={"SBQQ__StartDate__c": "2024-01-01", "SBQQ__SubscriptionTerm__c": 12}),
    Shape("renewal", [MONTHLY], 1200, follows="monthly", renews=True,
          quote={"SBQQ__StartDate__c": "2025-01-01", "SBQQ__EndDate__c": "2025-12-31"}),
    Shape("no quote", quote=None, code="no_primary_quote"),
    Shape("no lines", code="no_lines"),
    Shape("no dates", [MONTHLY], quote={}, code="missing_value"),
    Shape("money back", [ONCE, {**ONCE, "SBQQ__NetPrice__c": -100}], code="quantity_reduced"),
    Shape("odd frequency", [{**MONTHLY, "SBQQ__BillingFrequency__c": "Fortnightly"}],
          code="not_in_table"),
    Shape("evergreen", [{**MONTHLY, "SBQQ__SubscriptionType__c": "Evergreen"}],
          quote={"SBQQ__StartDate__c": "2024-01-01"}, code="open_ended_recurring"),
    Shape("stale totals", [ONCE], code="deal_not_ready", quote={
          **DATES, "SBQQ__LastSavedOn__c": "2024-01-02T00:00:00.000+0000",
          "SBQQ__LastCalculatedOn__c": "2024-01-01T00:00:00.000+0000"}),
    Shape("amends what nobody sold", [ONCE], follows="nothing", code="amends_unknown"),
)  # fmt: skip


class History:
    """``copies`` of every shape; deals of one copy belong to one account."""

    def __init__(self, copies: int) -> None:
        self.records: Records = {name: [] for name in PREFIXES}
        self.deals: dict[str, Shape] = {}
        self._numbers = {name: count(1) for name in PREFIXES}
        self.product = self._add("Product2", Name="Thing", ProductCode="THING", IsActive=True)
        for copy in range(copies):
            account = self._add("Account", Name=f"Customer {copy}")
            for deal_id, shape in zip(self._deal_ids(), SHAPES, strict=False):
                self.deals[deal_id] = shape
            first = len(self.deals) - len(SHAPES)
            ids = {shape.name: deal for deal, shape in list(self.deals.items())[first:]}
            for shape in SHAPES:
                self._deal(shape, ids, account)

    def _deal_ids(self) -> Iterator[str]:
        while True:
            yield self._next("Opportunity")

    def _next(self, name: str) -> str:
        return id18(f"{PREFIXES[name]}Hs{next(self._numbers[name]):010}")

    def _add(self, name: str, **fields: Any) -> str:
        row = {"Id": self._next(name), "CreatedDate": STAMP, "SystemModstamp": STAMP, **fields}
        row["LastModifiedDate"] = row["SystemModstamp"]
        self.records[name].append(row)
        return str(row["Id"])

    def _deal(self, shape: Shape, ids: Mapping[str, str], account: str) -> None:
        deal = ids[shape.name]
        extra: Row = {}
        if shape.quote is not None:
            quote = self._add(
                "SBQQ__Quote__c", SBQQ__Opportunity2__c=deal, SBQQ__Primary__c=True, **shape.quote
            )
            extra["SBQQ__PrimaryQuote__c"] = quote
            for number, line in enumerate(shape.lines, start=1):
                fields = {"SBQQ__Quantity__c": 1, "SBQQ__Number__c": number, **line}
                product = self.product
                self._add(
                    "SBQQ__QuoteLine__c", SBQQ__Quote__c=quote, SBQQ__Product__c=product, **fields
                )
        if shape.follows:
            link = "SBQQ__RenewedContract__c" if shape.renews else "SBQQ__AmendedContract__c"
            sold = {"AccountId": account, "Status": "Activated", "EndDate": "2024-12-31"}
            original = ids.get(shape.follows)
            extra[link] = self._add("Contract", SBQQ__Opportunity__c=original, **sold)
        self.records["Opportunity"].append(
            {
                "Id": deal,
                "Name": f"{shape.name} {account[-6:]}",
                "AccountId": account,
                "StageName": "Closed Won",
                "CloseDate": "2023-12-15",
                "CreatedDate": STAMP,
                "LastModifiedDate": STAMP,
                "SystemModstamp": STAMP,
                **extra,
            }
        )
