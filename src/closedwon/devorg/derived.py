"""Standard fields that follow from others when a record is saved (salesforce.md 3.4)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from closedwon.devorg.field_values import pointed
from closedwon.devorg.storage import Storage

STATUS_CODES = {"In Approval Process": "InApproval"}
CENT = Decimal("0.01")
HUNDRED = Decimal(100)


def derive(
    storage: Storage, object_name: str, values: dict[str, Any], given: Mapping[str, Any]
) -> None:
    """Fill what follows from ``given`` (the fields just written) into ``values``."""
    match object_name:
        case "Opportunity" if "StageName" in given:
            _from_stage(storage, values, given)
        case "OpportunityLineItem":
            _line_price(storage, values, given)
        case "Contract" | "Order" if "Status" in given:
            status = values.get("Status")
            values["StatusCode"] = STATUS_CODES.get(str(status), status)
        case "User" | "Contact" if {"FirstName", "LastName"} & given.keys():
            parts = (values.get("FirstName"), values.get("LastName"))
            values["Name"] = " ".join(part for part in parts if part)


def stage(storage: Storage, label: str) -> Mapping[str, Any] | None:
    """The OpportunityStage record of a stage name."""
    code = storage.object_code("OpportunityStage")
    rows = storage.rows("where r.object = ? and r.is_deleted = 0", (code,))
    return next((row.values for row in rows if row.values.get("MasterLabel") == label), None)


def _from_stage(storage: Storage, values: dict[str, Any], given: Mapping[str, Any]) -> None:
    found = stage(storage, str(values.get("StageName"))) or {}
    values["IsClosed"] = found.get("IsClosed", False)
    values["IsWon"] = found.get("IsWon", False)
    if "Probability" not in given:
        values["Probability"] = found.get("DefaultProbability")
    values["ForecastCategory"] = found.get("ForecastCategory")
    if "ForecastCategoryName" not in given:
        values["ForecastCategoryName"] = found.get("ForecastCategoryName")


def _line_price(storage: Storage, values: dict[str, Any], given: Mapping[str, Any]) -> None:
    entry = storage.get(values["PricebookEntryId"]) if values.get("PricebookEntryId") else None
    if entry is not None and not values.get("Product2Id"):
        values["Product2Id"] = entry.values.get("Product2Id")
    if not {"Quantity", "UnitPrice", "Discount", "TotalPrice"} & given.keys():
        return
    quantity, price, total = (values.get(n) for n in ("Quantity", "UnitPrice", "TotalPrice"))
    if quantity is None:
        return
    if price is None and total is not None and quantity:
        values["UnitPrice"] = pointed((total / quantity).quantize(CENT))
    elif price is not None and not ("TotalPrice" in given and total is not None):
        kept = 1 - (values.get("Discount") or Decimal(0)) / HUNDRED
        values["TotalPrice"] = pointed((quantity * price * kept).quantize(CENT))
