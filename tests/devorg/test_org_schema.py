"""Built-in objects, SFDX source, describe bodies."""

import re
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from closedwon.devorg.org import Org
from closedwon.devorg.schema import OrgSchema, org_schema
from closedwon.kernel.errors import ConfigError
from devorg.conftest import SOURCE

METER = {"Customer", "Contract", "Commit", "Commit_Period", "Spend", "Invoice", "Sync_Record"}


def test_the_shipped_facts_stay_small() -> None:
    folder = files("closedwon.devorg.schema")
    size = sum(len(folder.joinpath(f"{name}.csv").read_bytes()) for name in ("objects", "fields"))

    assert size < 200_000


def test_key_prefixes_are_unique(full_schema: OrgSchema) -> None:
    prefixes = [info.key_prefix for info in full_schema.objects.values() if info.key_prefix]

    assert len(set(prefixes)) == len(prefixes)
    assert all(len(prefix) == 3 for prefix in prefixes)
    assert full_schema.object("payment_installment__c").key_prefix == "a2T"


def test_references_lead_to_objects_or_are_known_to_lead_out(full_schema: OrgSchema) -> None:
    missing = {
        target
        for info in full_schema.objects.values()
        for field in info.fields.values()
        for target in field.reference_to
        if target not in full_schema.objects
    }

    assert missing <= {"SBQQ__AttributeSet__c"}


def test_child_relationships_have_one_name_per_parent(full_schema: OrgSchema) -> None:
    for parent, links in full_schema.children.items():
        names = [link.name for link in links if link.name]
        assert len(set(names)) == len(names), parent


def test_the_package_defines_the_meter_objects(full_schema: OrgSchema) -> None:
    found = {name for name in full_schema.objects if name.startswith("Meter_")}

    assert found == {f"Meter_{name}__c" for name in METER}
    for name in found:
        key = full_schema.objects[name].fields["Key__c"]
        assert (key.length, key.external_id, key.unique, key.case_sensitive) == (
            100,
            True,
            True,
            True,
        )


def test_the_package_adds_its_twin_fields(full_schema: OrgSchema) -> None:
    twins = ("Product2", "SBQQ__QuoteLine__c", "OpportunityLineItem", "OrderItem",
             "SBQQ__Subscription__c")  # fmt: skip
    for name in twins:
        fields = full_schema.objects[name].fields
        assert (fields["Rate_Discount__c"].type, fields["Rate_Discount__c"].scale) == ("percent", 2)
        assert fields["Applicable_Tags__c"].length == 255
        assert list(fields)[-1] == "SystemModstamp"
    product, line = (full_schema.objects[name].fields for name in twins[:2])
    assert product["Billing_Product_Id__c"].external_id
    assert not line["Billing_Product_Id__c"].external_id


def test_an_installment_belongs_to_its_quote(full_schema: OrgSchema) -> None:
    link = full_schema.child("SBQQ__Quote__c", "payment_installments__r")

    assert link is not None
    assert (link.child, link.field.name) == ("Payment_Installment__c", "Quote__c")
    assert link.field.cascade_delete
    assert link.field.required
    assert "OwnerId" not in full_schema.objects["Payment_Installment__c"].fields


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("<type>Url</type>", "<type>Location</type>", "unknown field type"),
        ("<fullName>Console_Url__c</fullName>", "<fullName>Other__c</fullName>", "file name"),
        ("</CustomField>", "", "not metadata XML"),
        ("<CustomField", '<!DOCTYPE x [<!ENTITY a "b">]><CustomField', "not metadata XML"),
        ("<type>Url</type>", "<type>Text</type><length>long</length>", "not a whole number"),
    ],
)
def test_broken_source_is_refused_with_its_file(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    copy = tmp_path / "salesforce"
    shutil.copytree(SOURCE, copy)
    field = next(copy.glob("**/Meter_Customer__c/fields/Console_Url__c.field-meta.xml"))
    field.write_text(field.read_text().replace(old, new))

    with pytest.raises(ConfigError, match=says) as caught:
        org_schema(copy)
    assert "Console_Url__c.field-meta.xml" in str(caught.value)


def test_a_folder_without_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no SFDX objects folder"):
        org_schema(tmp_path)
    stray = tmp_path / "objects" / "Nope__c" / "fields"
    stray.mkdir(parents=True)
    with pytest.raises(ConfigError, match="does not have"):
        org_schema(tmp_path)


def test_permission_sets_name_fields_that_exist(full_schema: OrgSchema) -> None:
    from defusedxml import ElementTree

    space = "{http://soap.sforce.com/2006/04/metadata}"
    for path in SOURCE.glob("**/*.permissionset-meta.xml"):
        root = ElementTree.parse(path).getroot()
        assert root is not None
        granted = [each.text or "" for each in root.iter(f"{space}field")]
        assert granted
        assert len(set(granted)) == len(granted)
        for permission in root.iter(f"{space}fieldPermissions"):
            name = permission.findtext(f"{space}field") or ""
            object_name, _, field_name = name.partition(".")
            field = full_schema.objects[object_name].fields[field_name]
            assert not field.required, f"{path.name}: {name} is required"
            if permission.findtext(f"{space}editable") == "true":
                assert field.updateable, f"{path.name}: {name} is a formula"
        for each in root.iter(f"{space}object"):
            assert each.text in full_schema.objects


def test_the_manifest_lists_every_field_of_the_package() -> None:
    manifest = (SOURCE / "manifest" / "package.xml").read_text()
    fields = sorted(SOURCE.glob("**/fields/*.field-meta.xml"))

    for path in fields:
        name = f"{path.parents[1].name}.{path.name.removesuffix('.field-meta.xml')}"
        assert f"<members>{name}</members>" in manifest
    assert len(re.findall(r"<members>\w+\.\w+</members>", manifest)) == len(fields)


def test_describe_answers_all_keys_of_a_field(empty_org: Org) -> None:
    body = empty_org.describe("opportunity", api_version="61.0")
    fields = {field["name"]: field for field in body["fields"]}

    assert {len(field) for field in fields.values()} == {57}
    amount, stage, won = fields["Amount"], fields["StageName"], fields["IsWon"]
    assert (amount["type"], amount["precision"], amount["scale"]) == ("currency", 18, 2)
    assert (amount["soapType"], amount["groupable"]) == ("xsd:double", False)
    assert (stage["nillable"], stage["restrictedPicklist"], stage["length"]) == (False, False, 255)
    assert "Closed Won" in [value["value"] for value in stage["picklistValues"]]
    assert not won["createable"]
    assert not won["updateable"]
    assert fields["AccountId"]["relationshipName"] == "Account"
    assert fields["Name"]["byteLength"] == 360
    assert body["urls"]["sobject"] == "/services/data/v61.0/sobjects/Opportunity"
    assert body["recordTypeInfos"][0]["recordTypeId"] == "012000000000000AAA"


def test_describe_tells_formulas_and_roll_ups_apart(empty_org: Org) -> None:
    quote = {f["name"]: f for f in empty_org.describe("SBQQ__Quote__c")["fields"]}
    line = {f["name"]: f for f in empty_org.describe("SBQQ__QuoteLine__c")["fields"]}
    net, amount = line["SBQQ__NetTotal__c"], quote["SBQQ__NetAmount__c"]

    assert net["calculated"]
    assert net["calculatedFormula"]
    assert amount["calculated"]
    assert amount["calculatedFormula"] is None
    assert not net["createable"]
    assert not amount["updateable"]


def test_describe_lists_children_with_their_names(empty_org: Org) -> None:
    children = empty_org.describe("SBQQ__Quote__c")["childRelationships"]
    lines = next(each for each in children if each["relationshipName"] == "SBQQ__LineItems__r")

    assert (lines["childSObject"], lines["cascadeDelete"]) == ("SBQQ__QuoteLine__c", True)


def test_the_global_describe_has_every_object(empty_org: Org) -> None:
    body = empty_org.describe_global()
    names = {each["name"] for each in body["sobjects"]}

    assert {"Account", "Opportunity", "SBQQ__Quote__c", "Meter_Commit__c"} <= names
    assert all(each["keyPrefix"] for each in body["sobjects"])
    assert body["maxBatchSize"] == 200
