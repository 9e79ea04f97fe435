"""A quote read between two saves is not billed (salesforce.md 7.3)."""

from decimal import Decimal
from typing import Any

import pytest

from closedwon.crm.salesforce.cpq import half_saved
from closedwon.deals.source import ChildSource

QUOTES = ChildSource(
    name="quotes",
    object_name="SBQQ__Quote__c",
    link="Id",
    parent="deal.SBQQ__PrimaryQuote__c",
    to_root="SBQQ__Opportunity2__c",
    fields=("SBQQ__LineItemCount__c", "SBQQ__NetAmount__c", "SBQQ__Uncalculated__c"),
)
LINES = ChildSource(
    name="lines",
    object_name="SBQQ__QuoteLine__c",
    link="SBQQ__Quote__c",
    parent="quotes.Id",
    to_root="SBQQ__Quote__r.SBQQ__Opportunity2__c",
    fields=("SBQQ__NetTotal__c", "SBQQ__Optional__c"),
)


def quote(**fields: Any) -> dict[str, Any]:
    totals = {"SBQQ__LineItemCount__c": Decimal("2.0"), "SBQQ__NetAmount__c": Decimal("30.0")}
    return {"Id": "q", "SBQQ__Uncalculated__c": False, **totals, **fields}


def line(net: str | None, *, optional: bool = False) -> dict[str, Any]:
    total = None if net is None else Decimal(net)
    return {"SBQQ__Quote__c": "q", "SBQQ__NetTotal__c": total, "SBQQ__Optional__c": optional}


WHOLE = [line("10"), line("20.01")]


def test_a_whole_quote_passes_with_a_cent_per_line_to_spare() -> None:
    assert half_saved((QUOTES, LINES), {"quotes": [quote()], "lines": WHOLE}) is None


@pytest.mark.parametrize(
    ("fields", "lines", "reason"),
    [
        ({"SBQQ__Uncalculated__c": True}, WHOLE, "not calculated"),
        ({"SBQQ__LineItemCount__c": 3}, WHOLE, "2 lines"),
        ({}, [line("10"), line("20.03")], "30.03"),
        ({}, [line("10"), line("20", optional=True)], "lines of 10"),
        ({}, [line("10"), line(None)], "lines of 10"),
    ],
)
def test_a_half_saved_quote_says_what_is_off(
    fields: dict[str, Any], lines: list[dict[str, Any]], reason: str
) -> None:
    found = half_saved((QUOTES, LINES), {"quotes": [quote(**fields)], "lines": lines})

    assert found is not None
    assert reason in found


def test_blank_totals_and_fields_the_mapping_does_not_read_hold_nothing_up() -> None:
    import msgspec

    blank = quote(SBQQ__LineItemCount__c=None, SBQQ__NetAmount__c=None)
    bare = msgspec.structs.replace(QUOTES, fields=())
    short = msgspec.structs.replace(LINES, fields=())

    assert half_saved((QUOTES, LINES), {"quotes": [blank], "lines": WHOLE}) is None
    assert half_saved((bare, LINES), {"quotes": [{"Id": "q"}], "lines": WHOLE}) is None
    assert (
        half_saved((QUOTES, short), {"quotes": [quote()], "lines": [line("1"), line("1")]}) is None
    )
    assert half_saved((QUOTES,), {"quotes": [quote()]}) is None
