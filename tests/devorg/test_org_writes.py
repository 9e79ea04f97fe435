"""Creating, changing and deleting records (salesforce.md 2.4, 2.7, 3.4)."""

import threading
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from closedwon.devorg.errors import OrgError
from closedwon.devorg.org import Org
from closedwon.devorg.schema import OrgSchema
from closedwon.kernel.ids import id18
from devorg.conftest import Clock

DEAL = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2025-02-01"}
QUOTE = "a0nHs000000014tIAA"
LINE = "a0kHs000000014xIAA"


def refused(org: Org, object_name: str, fields: Mapping[str, Any]) -> OrgError:
    with pytest.raises(OrgError) as caught:
        org.create(object_name, fields, org.admin_id)
    return caught.value


def test_a_new_record_has_an_id_stamps_and_defaults(empty_org: Org) -> None:
    record_id = empty_org.create("product2", {"name": "Seat "}, empty_org.admin_id)
    record = empty_org.retrieve("Product2", record_id[:15])

    assert record_id == id18(record_id)
    assert record_id.startswith("01t")
    stamps = {record[name] for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")}
    assert stamps == {"2025-01-10T12:00:00.000+0000"}
    assert (record["Name"], record["SBQQ__QuantityEditable__c"]) == ("Seat", True)
    assert record["SBQQ__DefaultQuantity__c"] == Decimal(1)
    assert record["CreatedById"] == empty_org.admin_id


def test_ids_follow_the_order_of_creation(empty_org: Org) -> None:
    made = [empty_org.create("Account", {"Name": f"A{n}"}, empty_org.admin_id) for n in range(70)]

    assert made == sorted(made)
    assert len(set(made)) == 70


def test_auto_numbers_count_up(empty_org: Org) -> None:
    quotes = [empty_org.create("SBQQ__Quote__c", {}, empty_org.admin_id) for _ in range(2)]
    names = [empty_org.retrieve("SBQQ__Quote__c", each, ["Name"])["Name"] for each in quotes]

    assert names == ["Q-00001", "Q-00002"]


def test_an_update_changes_only_what_it_names(empty_org: Org, time: Clock) -> None:
    record_id = empty_org.create("Account", {"Name": "A", "Type": "Other"}, empty_org.admin_id)
    time.passes(60)
    empty_org.update("Account", record_id, {"Site": "HQ", "Type": None}, empty_org.admin_id)
    record = empty_org.retrieve("Account", record_id)

    assert (record["Name"], record["Type"], record["Site"]) == ("A", None, "HQ")
    assert record["CreatedDate"] == "2025-01-10T12:00:00.000+0000"
    assert record["SystemModstamp"] == record["LastModifiedDate"] == "2025-01-10T12:01:00.000+0000"


@pytest.mark.parametrize(
    ("fields", "code", "says", "about"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name, StageName, CloseDate]",
         ("Name", "StageName", "CloseDate")),
        (DEAL | {"Nope__c": 1}, "INVALID_FIELD",
         "No such column 'Nope__c' on sobject of type Opportunity", ("Nope__c",)),
        (DEAL | {"Id": "006Hs000000014qIAA"}, "INVALID_FIELD", "Id field should not", ("Id",)),
        (DEAL | {"IsWon": True}, "INVALID_FIELD", "Unable to create/update fields: IsWon",
         ("IsWon",)),
        (DEAL | {"ExpectedRevenue": 5}, "INVALID_FIELD", "Unable to create/update",
         ("ExpectedRevenue",)),
        (DEAL | {"Amount": "a lot"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "a lot", ("Amount",)),
        (DEAL | {"Amount": "NaN"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "NaN", ("Amount",)),
        (DEAL | {"Amount": True}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "True", ("Amount",)),
        (DEAL | {"Name": ["x"]}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "Name", ("Name",)),
        (DEAL | {"Name": "a\x00b"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "Name", ("Name",)),
        (DEAL | {"IsPrivate": "maybe"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "maybe",
         ("IsPrivate",)),
        (DEAL | {"CloseDate": "soon"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "soon", ("CloseDate",)),
        (DEAL | {"Name": "x" * 121}, "STRING_TOO_LONG",
         f"Name: data value too large: {'x' * 80} (max length=120)", ("Name",)),
        (DEAL | {"Amount": "12345678901234567"}, "NUMBER_OUTSIDE_VALID_RANGE", "outside",
         ("Amount",)),
        (DEAL | {"AccountId": "nobody"}, "MALFORMED_ID", "incorrect type: nobody", ("AccountId",)),
        (DEAL | {"AccountId": "006Hs000000014qIAA"}, "MALFORMED_ID", "incorrect type",
         ("AccountId",)),
        (DEAL | {"AccountId": "001Hs000000014mIAA"}, "INVALID_CROSS_REFERENCE_KEY",
         "invalid cross reference id", ("AccountId",)),
        (DEAL | {"Account": {"Billing_Customer_Id__c": "c-1"}}, "INVALID_FIELD",
         ("Foreign key external ID: c-1 not found for field Billing_Customer_Id__c in entity "
         "Account"), ()),
        (DEAL | {"Account": {"Name": "c-1"}}, "INVALID_FIELD", "not an External ID", ("Account",)),
    ],
)  # fmt: skip
def test_a_wrong_record_is_refused(
    empty_org: Org, fields: dict[str, Any], code: str, says: str, about: tuple[str, ...]
) -> None:
    error = refused(empty_org, "Opportunity", fields)

    assert (error.code, error.fields, error.status) == (code, about, 400)
    assert says in error.message
    assert empty_org.count("Opportunity") == 0


def test_restricted_picklists_of_our_own_objects_refuse_other_values(empty_org: Org) -> None:
    error = refused(empty_org, "Meter_Commit__c", {"Type__c": "Gift"})

    assert error.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert empty_org.create("Account", {"Name": "A", "Type": "Gift"}, empty_org.admin_id)


def test_extra_decimals_are_rounded_half_up(empty_org: Org) -> None:
    fields = DEAL | {"Amount": "10.125", "TotalOpportunityQuantity": Decimal("2.005")}
    record = empty_org.retrieve(
        "Opportunity", empty_org.create("Opportunity", fields, empty_org.admin_id)
    )

    assert str(record["Amount"]) == "10.13"
    assert str(record["TotalOpportunityQuantity"]) == "2.01"


def test_a_stage_decides_whether_a_deal_is_won(empty_org: Org) -> None:
    deal = empty_org.create("Opportunity", DEAL, empty_org.admin_id)
    shown = ["IsWon", "IsClosed", "Probability", "ForecastCategoryName"]
    before = empty_org.retrieve("Opportunity", deal, shown)
    empty_org.update("Opportunity", deal, {"StageName": "Closed Won"}, empty_org.admin_id)
    after = empty_org.retrieve("Opportunity", deal, shown)

    assert [before[name] for name in shown] == [False, False, Decimal(10), "Pipeline"]
    assert [after[name] for name in shown] == [True, True, Decimal(100), "Closed"]


def test_a_given_probability_wins_over_the_stage(empty_org: Org) -> None:
    deal = empty_org.create("Opportunity", DEAL | {"Probability": 33}, empty_org.admin_id)

    assert empty_org.retrieve("Opportunity", deal)["Probability"] == Decimal(33)


def test_an_optional_line_is_in_no_sum_and_moves_no_quote(infrax: Org, time: Clock) -> None:
    fields = {"SBQQ__Quote__c": QUOTE, "SBQQ__Quantity__c": 1, "SBQQ__Optional__c": True}
    made = infrax.create("SBQQ__QuoteLine__c", fields, infrax.admin_id)
    stamp = infrax.retrieve("SBQQ__Quote__c", QUOTE)["SystemModstamp"]
    time.passes(9)
    infrax.update("SBQQ__QuoteLine__c", made, {"SBQQ__NetPrice__c": 77}, infrax.admin_id)
    quote = infrax.retrieve("SBQQ__Quote__c", QUOTE)

    assert (quote["SBQQ__NetAmount__c"], quote["SystemModstamp"]) == (Decimal(505_000), stamp)


def test_a_changed_stage_leaves_history(empty_org: Org) -> None:
    deal = empty_org.create("Opportunity", DEAL, empty_org.admin_id)
    empty_org.update("Opportunity", deal, {"StageName": "Closed Lost"}, empty_org.admin_id)
    soql = "SELECT OpportunityId, Field, OldValue, NewValue FROM OpportunityFieldHistory"
    row = empty_org.query(soql).rows[0]

    assert row["OpportunityId"] == deal
    assert [row[n] for n in ("Field", "OldValue", "NewValue")] == [
        "StageName", "Prospecting", "Closed Lost",
    ]  # fmt: skip


def test_products_make_the_amount_and_move_the_stamp_only_when_it_changes(
    empty_org: Org, time: Clock
) -> None:
    deal = empty_org.create("Opportunity", DEAL | {"Amount": 7}, empty_org.admin_id)
    time.passes(10)
    line = {"OpportunityId": deal, "Quantity": 3, "UnitPrice": "10.50"}
    line_id = empty_org.create("OpportunityLineItem", line, empty_org.admin_id)
    with_line = empty_org.retrieve("Opportunity", deal)
    time.passes(10)
    empty_org.update("OpportunityLineItem", line_id, {"Description": "x"}, empty_org.admin_id)
    untouched = empty_org.retrieve("Opportunity", deal)
    empty_org.delete("OpportunityLineItem", line_id, empty_org.admin_id)
    emptied = empty_org.retrieve("Opportunity", deal)

    assert (with_line["Amount"], with_line["HasOpportunityLineItem"]) == (Decimal("31.5"), True)
    assert with_line["SystemModstamp"] == "2025-01-10T12:00:10.000+0000"
    assert with_line["LastModifiedDate"] == "2025-01-10T12:00:00.000+0000"
    assert untouched["SystemModstamp"] == with_line["SystemModstamp"]
    assert emptied["HasOpportunityLineItem"] is False


def test_a_quote_line_moves_its_quote_only_when_a_sum_changes(infrax: Org, time: Clock) -> None:
    def quote() -> dict[str, Any]:
        return infrax.retrieve("SBQQ__Quote__c", QUOTE)

    before = quote()
    infrax.update("SBQQ__QuoteLine__c", LINE, {"Commit_Key__c": "C9"}, infrax.admin_id)
    same = quote()
    time.passes(5)
    infrax.update("SBQQ__QuoteLine__c", LINE, {"SBQQ__Quantity__c": 60_000}, infrax.admin_id)
    after = quote()

    assert same["SystemModstamp"] == before["SystemModstamp"]
    assert after["SBQQ__NetAmount__c"] == Decimal(515_000)
    assert after["SystemModstamp"] == "2025-01-10T12:00:05.000+0000"
    assert after["LastModifiedDate"] == before["LastModifiedDate"]


def test_an_upsert_creates_once_and_then_updates(empty_org: Org) -> None:
    def upsert(**fields: Any) -> Any:
        key = "production:c-1/ä"
        return empty_org.upsert("Meter_Customer__c", "key__c", key, fields, empty_org.admin_id)

    first = upsert(Name="Acme")
    second = upsert(Balance_Total__c="12.50")
    record = empty_org.retrieve("Meter_Customer__c", first.id)

    assert (first.created, second.created, second.id) == (True, False, first.id)
    assert (record["Name"], record["Key__c"]) == ("Acme", "production:c-1/ä")
    assert record["Balance_Total__c"] == Decimal("12.5")


def test_case_sensitive_keys_differ_by_case_and_others_do_not(empty_org: Org) -> None:
    for key in ("prod:a", "prod:A"):
        empty_org.upsert("Meter_Customer__c", "Key__c", key, {"Name": key}, empty_org.admin_id)
    for key in ("c-1", "C-1"):
        fields = {"Name": key}
        empty_org.upsert("Account", "Billing_Customer_Id__c", key, fields, empty_org.admin_id)

    assert empty_org.count("Meter_Customer__c") == 2
    assert empty_org.count("Account") == 1


def test_an_upsert_may_be_told_not_to_create(empty_org: Org) -> None:
    with pytest.raises(OrgError) as caught:
        empty_org.upsert("Account", "Billing_Customer_Id__c", "x", {"Name": "A"},
                         empty_org.admin_id, update_only=True)  # fmt: skip

    assert (caught.value.code, caught.value.status) == ("NOT_FOUND", 404)


def test_an_ambiguous_key_answers_300_with_the_records(empty_org: Org) -> None:
    made = [
        empty_org.create("Product2", {"Name": n, "Billing_Product_Id__c": "p"}, empty_org.admin_id)
        for n in "ab"
    ]
    with pytest.raises(OrgError) as caught:
        empty_org.upsert("Product2", "Billing_Product_Id__c", "p", {}, empty_org.admin_id)

    assert (caught.value.status, caught.value.ids) == (300, tuple(made))
    assert empty_org.find("Product2", "Billing_Product_Id__c", "P") == tuple(made)


def test_only_external_ids_are_keys(empty_org: Org) -> None:
    with pytest.raises(OrgError) as caught:
        empty_org.upsert("Account", "Name", "A", {}, empty_org.admin_id)

    assert caught.value.code == "NOT_FOUND"


def test_a_unique_value_belongs_to_one_record(empty_org: Org) -> None:
    first = empty_org.create(
        "Account", {"Name": "A", "Billing_Customer_Id__c": "c"}, empty_org.admin_id
    )
    error = refused(empty_org, "Account", {"Name": "B", "Billing_Customer_Id__c": "C"})

    assert error.code == "DUPLICATE_VALUE"
    assert error.message == (
        "duplicate value found: Billing_Customer_Id__c duplicates value on record with id: "
        f"{first[:15]}"
    )


def test_a_lookup_may_be_named_by_external_id(empty_org: Org) -> None:
    account = empty_org.create(
        "Account", {"Name": "A", "Billing_Customer_Id__c": "c-1"}, empty_org.admin_id
    )
    fields = {
        "Name": "Acme",
        "Account__r": {"attributes": {"type": "Account"}, "billing_customer_id__c": "c-1"},
    }
    made = empty_org.create("Meter_Customer__c", fields, empty_org.admin_id)

    assert empty_org.retrieve("Meter_Customer__c", made)["Account__c"] == account


def test_deleted_records_answer_entity_is_deleted(empty_org: Org) -> None:
    record_id = empty_org.create("Account", {"Name": "A"}, empty_org.admin_id)
    empty_org.delete("Account", record_id, empty_org.admin_id)

    for call in (
        lambda: empty_org.retrieve("Account", record_id),
        lambda: empty_org.update("Account", record_id, {"Site": "x"}, empty_org.admin_id),
        lambda: empty_org.delete("Account", record_id, empty_org.admin_id),
    ):
        with pytest.raises(OrgError) as caught:
            call()
        assert (caught.value.code, caught.value.status) == ("ENTITY_IS_DELETED", 404)


def test_a_lookup_to_a_deleted_record_is_refused(empty_org: Org) -> None:
    account = empty_org.create("Account", {"Name": "A"}, empty_org.admin_id)
    empty_org.delete("Account", account, empty_org.admin_id)

    error = refused(empty_org, "Opportunity", DEAL | {"AccountId": account})
    assert error.code == "INVALID_CROSS_REFERENCE_KEY"


def test_unknown_records_and_objects_are_not_found(empty_org: Org) -> None:
    for call in (
        lambda: empty_org.retrieve("Account", "001000000000000AAA"),
        lambda: empty_org.retrieve("Account", empty_org.admin_id),
        lambda: empty_org.update("Account", "nonsense", {}, empty_org.admin_id),
        lambda: empty_org.create("Nope", {}, empty_org.admin_id),
        lambda: empty_org.describe("Nope"),
    ):
        with pytest.raises(OrgError) as caught:
            call()
        assert (caught.value.code, caught.value.status) == ("NOT_FOUND", 404)


def test_undelete_brings_back_children_and_lookups(infrax: Org, time: Clock) -> None:
    opportunity = "006Hs000000014qIAA"
    early = infrax.query("SELECT Id FROM SBQQ__QuoteLine__c WHERE Name = 'QL-0000106'").rows[0]
    infrax.delete("SBQQ__QuoteLine__c", early["Id"], infrax.admin_id)
    time.passes(30)
    infrax.delete("SBQQ__Quote__c", QUOTE, infrax.admin_id)
    cleared = infrax.retrieve("Opportunity", opportunity)["SBQQ__PrimaryQuote__c"]
    time.passes(30)
    infrax.undelete("SBQQ__Quote__c", QUOTE, infrax.admin_id)

    assert cleared is None
    assert infrax.retrieve("Opportunity", opportunity)["SBQQ__PrimaryQuote__c"] == QUOTE
    lines = f"SELECT COUNT() FROM SBQQ__QuoteLine__c WHERE SBQQ__Quote__c = '{QUOTE}'"
    assert infrax.query(lines).total == 5, "the line deleted before stays deleted"
    with pytest.raises(OrgError, match="UNDELETE_FAILED"):
        infrax.undelete("SBQQ__Quote__c", QUOTE, infrax.admin_id)


def test_a_deleted_deal_keeps_its_amount_and_comes_back_without_new_history(infrax: Org) -> None:
    deal = "006Hs000000014qIAA"
    history = "SELECT COUNT() FROM OpportunityFieldHistory"
    before = infrax.query(history).total
    infrax.delete("Opportunity", deal, infrax.admin_id)
    soql = f"SELECT Amount, IsDeleted FROM Opportunity WHERE Id = '{deal}'"
    gone = infrax.query(soql, all_rows=True).rows[0]
    products = f"SELECT COUNT() FROM OpportunityLineItem WHERE OpportunityId = '{deal}'"
    without = infrax.query(products).total
    infrax.undelete("Opportunity", deal, infrax.admin_id)
    back = infrax.query(soql).rows[0]

    assert (gone["Amount"], gone["IsDeleted"]) == (Decimal(505_000), True)
    assert (back["Amount"], back["IsDeleted"]) == (Decimal(505_000), False)
    assert (without, infrax.query(products).total) == (0, 4)
    assert infrax.query(history).total == before


def test_writing_many_lines_of_one_quote_stays_linear(infrax: Org) -> None:
    fields = {"SBQQ__Quote__c": QUOTE, "SBQQ__Quantity__c": 1, "SBQQ__NetPrice__c": 2}
    with infrax.transaction():
        for _ in range(200):
            infrax.create("SBQQ__QuoteLine__c", fields, infrax.admin_id)

    quote = infrax.retrieve("SBQQ__Quote__c", QUOTE)
    assert quote["SBQQ__NetAmount__c"] == Decimal(505_400)
    assert quote["SBQQ__LineItemCount__c"] == 206


def test_the_key_of_an_upsert_stays_out_of_its_body(empty_org: Org) -> None:
    body = {"Name": "A", "billing_customer_id__c": "x"}
    with pytest.raises(OrgError) as caught:
        empty_org.upsert("Account", "Billing_Customer_Id__c", "x", body, empty_org.admin_id)

    assert (caught.value.code, caught.value.fields) == (
        "INVALID_FIELD", ("Billing_Customer_Id__c",),
    )  # fmt: skip


def test_a_lookup_out_of_the_org_cannot_be_set_or_followed(empty_org: Org) -> None:
    info = next(
        (info, field)
        for info in empty_org.schema.objects.values()
        for field in info.fields.values()
        if field.reference_to == ("SBQQ__AttributeSet__c",)
    )
    fields = {info[1].name: "a0kHs000000014xIAA"}

    assert refused(empty_org, info[0].name, fields).code == "MALFORMED_ID"
    with pytest.raises(OrgError, match="understand relationship"):
        empty_org.query(f"SELECT {info[1].relationship_name}.Name FROM {info[0].name}")


@pytest.mark.parametrize("day", ["20250201", "2025-W05-6", "2025-2-1", "2025-02-30", 20250201])
def test_only_plain_dates_are_dates(empty_org: Org, day: object) -> None:
    assert refused(empty_org, "Opportunity", DEAL | {"CloseDate": day}).fields == ("CloseDate",)


def test_a_failed_transaction_leaves_nothing_behind(empty_org: Org, time: Clock) -> None:
    def both() -> None:
        with empty_org.transaction():
            empty_org.create("Account", {"Name": "A"}, empty_org.admin_id)
            empty_org.create("Account", {}, empty_org.admin_id)

    with pytest.raises(OrgError):
        both()

    assert empty_org.count("Account") == 0


def test_a_refused_record_inside_a_transaction_spares_the_others(empty_org: Org) -> None:
    with empty_org.transaction():
        empty_org.create("Account", {"Name": "A"}, empty_org.admin_id)
        with pytest.raises(OrgError):
            empty_org.create("Account", {}, empty_org.admin_id)
        empty_org.create("Account", {"Name": "B"}, empty_org.admin_id)

    assert empty_org.count("Account") == 2


def test_a_transaction_reads_the_clock_once(empty_org: Org, time: Clock) -> None:
    before = time.readings
    with empty_org.transaction():
        first = empty_org.create("Account", {"Name": "A"}, empty_org.admin_id)
        time.passes(5)
        second = empty_org.create("Account", {"Name": "B"}, empty_org.admin_id)

    assert time.readings - before == 1
    stamps = {empty_org.retrieve("Account", each)["SystemModstamp"] for each in (first, second)}
    assert stamps == {"2025-01-10T12:00:00.000+0000"}


def test_a_file_keeps_records_deletions_and_counters(
    tmp_path: Path, full_schema: OrgSchema, time: Clock
) -> None:
    path = tmp_path / "state" / "org.db"
    org = Org.open(path, full_schema, time)
    kept = org.create("Account", {"Name": "A"}, org.admin_id)
    gone = org.create("Account", {"Name": "B"}, org.admin_id)
    org.delete("Account", gone, org.admin_id)
    org.close()

    again = Org.open(path, full_schema, time)
    new = again.create("Account", {"Name": "C"}, again.admin_id)

    assert [row["Id"] for row in again.query("SELECT Id FROM Account ORDER BY Id").rows] == [
        kept, new,
    ]  # fmt: skip
    assert again.query("SELECT Id FROM Account", all_rows=True).total == 3
    assert again.count("User") == 1
    again.close()


def test_an_older_file_gets_an_index_for_a_new_external_id(
    tmp_path: Path, full_schema: OrgSchema, time: Clock
) -> None:
    import msgspec

    info = full_schema.objects["Account"]
    plain = msgspec.structs.replace(
        info.fields["Billing_Customer_Id__c"], external_id=False, unique=False
    )
    older = OrgSchema(
        {
            **full_schema.objects,
            "Account": msgspec.structs.replace(info, fields={**info.fields, plain.name: plain}),
        }
    )
    path = tmp_path / "org.db"
    org = Org.open(path, older, time)
    made = org.create("Account", {"Name": "A", "Billing_Customer_Id__c": "c"}, org.admin_id)
    org.close()

    again = Org.open(path, full_schema, time)

    assert again.find("Account", "Billing_Customer_Id__c", "c") == (made,)
    again.close()


def test_threads_share_one_org(empty_org: Org) -> None:
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for n in range(20):
                fields = {"Name": f"{name}{n}"}
                empty_org.upsert("Meter_Customer__c", "Key__c", f"k{n}", fields, empty_org.admin_id)
                list(empty_org.query("SELECT Name FROM Meter_Customer__c ORDER BY Name").rows)
        except BaseException as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert empty_org.count("Meter_Customer__c") == 20
