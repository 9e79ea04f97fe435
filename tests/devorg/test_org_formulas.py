"""Formula and roll-up fields, worked out on every read (salesforce.md 8.4, Appendix E)."""

from decimal import Decimal
from typing import Any

import pytest

from closedwon.devorg.formula_fields import FormulaFields
from closedwon.devorg.org import Org
from closedwon.devorg.schema import OrgSchema
from closedwon.devorg.seed import file_records, shipped_records
from devorg.conftest import Clock

SLAB = {"SBQQ__DiscountScheduleType__c": "Slab"}
OWNED = {"SBQQ__Existing__c": True, "SBQQ__SubscriptionPricing__c": "Fixed Price"}


def quote_of(org: Org, **fields: Any) -> str:
    return org.create("SBQQ__Quote__c", fields, org.admin_id)


def line(org: Org, quote: str, fields: dict[str, Any]) -> dict[str, Any]:
    given = {"SBQQ__Quote__c": quote, "SBQQ__Quantity__c": 1} | fields
    made = org.create("SBQQ__QuoteLine__c", given, org.admin_id)
    return org.retrieve("SBQQ__QuoteLine__c", made)


def test_every_built_in_formula_compiles(full_schema: OrgSchema) -> None:
    formulas = FormulaFields(full_schema)
    fields = [
        (info, field)
        for info in full_schema.objects.values()
        for field in info.fields.values()
        if field.formula is not None
    ]

    assert len(fields) > 40
    assert all(formulas.compiled(info, field) for info, field in fields)


def test_the_infrax_records_read_back_as_they_were_written(infrax: Org) -> None:
    compared = 0
    for name, rows in shipped_records().items():
        info = infrax.schema.object(name)
        for row in rows:
            found = infrax.retrieve(name, row["Id"])
            shown = {field: found[field] for field in row}
            assert shown == dict(row), f"{info.name} {row['Id']}"
            compared += len(shown)
    assert compared > 900


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"SBQQ__Quantity__c": 5}, 5),
        ({"SBQQ__Quantity__c": 150, "SBQQ__PriorQuantity__c": 100, **OWNED}, 50),
        ({"SBQQ__Quantity__c": 100, "SBQQ__PriorQuantity__c": 100, **OWNED}, 0),
        ({"SBQQ__Quantity__c": 60, "SBQQ__PriorQuantity__c": 100, **OWNED}, -40),
        ({"SBQQ__Quantity__c": 60, "SBQQ__PriorQuantity__c": 100,
          "SBQQ__UpgradedQuantity__c": 40, **OWNED}, 0),
        ({"SBQQ__Quantity__c": 150, "SBQQ__PriorQuantity__c": 100, "SBQQ__CarryoverLine__c": True,
          "SBQQ__SubscriptionPricing__c": "Percent Of Total"}, 150),
        ({"SBQQ__Quantity__c": 60, "SBQQ__PriorQuantity__c": 100, "SBQQ__Existing__c": True}, 0),
        ({"SBQQ__Quantity__c": 60, "SBQQ__PriorQuantity__c": 100, "SBQQ__Existing__c": True,
          "SBQQ__AllowAssetRefund__c": True}, -40),
        ({"SBQQ__Quantity__c": 500, **SLAB}, 1),
        ({"SBQQ__Quantity__c": 0, "SBQQ__PricingMethod__c": "Block"}, 0),
        ({"SBQQ__Quantity__c": 9, "SBQQ__PriorQuantity__c": 9, **SLAB, **OWNED}, 0),
        ({"SBQQ__Quantity__c": 8, "SBQQ__PriorQuantity__c": 9, **SLAB, **OWNED}, 1),
        ({"SBQQ__Quantity__c": 8, "SBQQ__PriorQuantity__c": 9, "SBQQ__Existing__c": True, **SLAB},
         0),
    ],
)  # fmt: skip
def test_effective_quantity(empty_org: Org, fields: dict[str, Any], expected: int) -> None:
    found = line(empty_org, quote_of(empty_org), fields)

    assert found["SBQQ__EffectiveQuantity__c"] == Decimal(expected)


@pytest.mark.parametrize(
    ("fields", "net", "listed"),
    [
        ({"SBQQ__Quantity__c": 3, "SBQQ__NetPrice__c": "802.80",
          "SBQQ__ProratedListPrice__c": "900"}, "2408.40", "2700"),
        ({"SBQQ__NetPrice__c": "5351.64", "SBQQ__PriorQuantity__c": 1,
          "SBQQ__ProratedListPrice__c": "5946.27", **OWNED}, "0", "0"),
        ({"SBQQ__NetPrice__c": 10, "SBQQ__ProratedListPrice__c": 10, "SBQQ__Renewal__c": True},
         "0", "0"),
        ({"SBQQ__NetPrice__c": 10, "SBQQ__ProratedListPrice__c": 10, "SBQQ__Renewal__c": True,
          "SBQQ__PriorQuantity__c": 0}, "10", "10"),
        ({"SBQQ__NetPrice__c": 10, "SBQQ__ProratedListPrice__c": 10, "SBQQ__Renewal__c": True,
          "SBQQ__Existing__c": True}, "10", "10"),
        ({"SBQQ__NetPrice__c": 10, "SBQQ__ProratedListPrice__c": 12, "SBQQ__Bundled__c": True},
         "10", "0"),
        ({"SBQQ__Quantity__c": 40, "SBQQ__NetPrice__c": 500, "SBQQ__ProratedListPrice__c": 600,
          "SBQQ__PricingMethod__c": "Block"}, "500", "600"),
        ({"SBQQ__Quantity__c": 2}, "0", "0"),
    ],
)  # fmt: skip
def test_totals(empty_org: Org, fields: dict[str, Any], net: str, listed: str) -> None:
    found = line(empty_org, quote_of(empty_org), fields)

    assert found["SBQQ__NetTotal__c"] == Decimal(net)
    assert found["SBQQ__ListTotal__c"] == Decimal(listed)


def test_effective_dates_fall_back_to_the_group_and_then_the_quote(empty_org: Org) -> None:
    quote = quote_of(
        empty_org, SBQQ__StartDate__c="2024-01-01", SBQQ__EndDate__c="2026-12-31",
        SBQQ__SubscriptionTerm__c=36,
    )  # fmt: skip
    group = empty_org.create(
        "SBQQ__QuoteLineGroup__c",
        {"Name": "Year 2", "SBQQ__Quote__c": quote, "SBQQ__StartDate__c": "2025-01-01"},
        empty_org.admin_id,
    )
    alone = line(empty_org, quote, {})
    grouped = line(empty_org, quote, {"SBQQ__Group__c": group})
    own = line(empty_org, quote, {"SBQQ__Group__c": group, "SBQQ__StartDate__c": "2025-06-01",
                                  "SBQQ__SubscriptionTerm__c": 6})  # fmt: skip
    evergreen = line(empty_org, quote, {"SBQQ__SubscriptionType__c": "Evergreen"})

    shown = [
        (each["SBQQ__EffectiveStartDate__c"], each["SBQQ__EffectiveEndDate__c"],
         each["SBQQ__EffectiveSubscriptionTerm__c"])
        for each in (alone, grouped, own, evergreen)
    ]  # fmt: skip
    assert shown == [
        ("2024-01-01", "2026-12-31", Decimal(36)),
        ("2025-01-01", "2026-12-31", Decimal(36)),
        ("2025-06-01", "2026-12-31", Decimal(6)),
        ("2024-01-01", None, Decimal(36)),
    ]


def test_roll_ups_leave_out_optional_lines_but_count_them(empty_org: Org) -> None:
    quote = quote_of(empty_org)
    line(empty_org, quote, {"SBQQ__NetPrice__c": "10.01", "SBQQ__Quantity__c": 2})
    line(empty_org, quote, {"SBQQ__NetPrice__c": 99, "SBQQ__Optional__c": True})
    found = empty_org.retrieve("SBQQ__Quote__c", quote)

    assert found["SBQQ__NetAmount__c"] == Decimal("20.02")
    assert found["SBQQ__LineItemCount__c"] == Decimal(2)


def test_renaming_a_product_changes_the_line_without_a_stamp(infrax: Org, time: Clock) -> None:
    line_id = "a0kHs000000014xIAA"
    before = infrax.retrieve("SBQQ__QuoteLine__c", line_id)
    time.passes(60)
    infrax.update("Product2", "01tHs000000014nIAA", {"ProductCode": "NEW"}, infrax.admin_id)
    after = infrax.retrieve("SBQQ__QuoteLine__c", line_id)

    assert (before["SBQQ__ProductCode__c"], after["SBQQ__ProductCode__c"]) == ("PLAT-COMMIT", "NEW")
    assert before["SystemModstamp"] == after["SystemModstamp"]


def test_formulas_of_our_own_objects_count_blanks_as_zero(empty_org: Org) -> None:
    empty = empty_org.create("Meter_Commit__c", {}, empty_org.admin_id)
    half = empty_org.create(
        "Meter_Commit__c", {"Access_Amount__c": 300, "Used__c": 100}, empty_org.admin_id
    )
    contract = empty_org.create(
        "Meter_Contract__c", {"Ending_Before__c": "2027-01-01T00:00:00Z"}, empty_org.admin_id
    )

    assert empty_org.retrieve("Meter_Commit__c", empty)["Used_Percent__c"] == 0
    assert empty_org.retrieve("Meter_Commit__c", half)["Used_Percent__c"] == Decimal("33.3")
    assert empty_org.retrieve("Meter_Contract__c", contract)["End_Date__c"] == "2026-12-31"


def test_a_contract_is_active_until_its_last_day(infrax: Org, time: Clock) -> None:
    def active() -> Any:
        soql = "SELECT SBQQ__ActiveContract__c a FROM Contract".replace(" a ", " ")
        return infrax.query(soql).rows[0]["SBQQ__ActiveContract__c"]

    assert active() == 1
    time.passes(3 * 365 * 86_400)
    assert active() == 0


def test_a_data_set_must_have_the_records_form(tmp_path: Any) -> None:
    from closedwon.kernel.errors import ConfigError

    path = tmp_path / "set.json"
    for text in ("[]", '{"Account": 1}', '{"Account": [1]}', "{", '{"a": 1, "a": 2}'):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"set\.json"):
            file_records(path)
    path.write_text('{"Account": [{"Name": "A"}]}')
    assert file_records(path) == {"Account": [{"Name": "A"}]}
