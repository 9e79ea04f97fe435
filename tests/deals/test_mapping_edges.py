"""Deals and mappings at the edge: every one is parked or mapped, with a reason a person can use."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from closedwon.billing.contracts.edits import Create
from closedwon.billing.contracts.overrides import Multiplier, Override
from closedwon.deals.mapping import (
    DealMapping,
    RateCardFact,
    load_mapping,
    map_deal,
)
from closedwon.deals.types import Finding, Rejected, Terms
from deals import cpq_org as org
from deals.test_mapping_load import TINY

LINE = org.a_line(1, SBQQ__StartDate__c="2024-01-01")


def tiny(*changes: tuple[str, str], tables: dict[str, str] | None = None) -> DealMapping:
    text = TINY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load_mapping(text, "m.yaml", org.SCHEMA, tables or {})


MAPS = ("  - otherwise", "products: create\n")
CREATES = ("name: tiny\n", "name: tiny\nproducts: create\n")


def parked(found: Terms | Rejected) -> dict[str, Finding]:
    assert isinstance(found, Rejected), found
    return {finding.code: finding for finding in found.findings}


def terms(found: Terms | Rejected) -> Terms:
    assert isinstance(found, Terms), found
    return found


def cpq_with(old: str, new: str) -> DealMapping:
    text = org.cpq_text()
    assert old in text
    return load_mapping(text.replace(old, new), "m.yaml", org.SCHEMA, org.tables())


def test_an_id_of_the_wrong_form_parks_the_deal() -> None:
    deal = replace(org.a_deal([LINE]), opportunity_id="006")
    line = {**LINE, "Id": "a0k"}

    assert "bad_id" in parked(map_deal(org.MAPPING, deal, org.facts()))
    assert "bad_id" in parked(map_deal(org.MAPPING, org.a_deal([line]), org.facts()))
    assert "bad_id" in parked(
        map_deal(org.MAPPING, org.a_deal([LINE], AccountId="001"), org.facts())
    )


def test_fifteen_character_ids_are_the_same_deal() -> None:
    deal = org.a_deal([LINE])
    short = replace(deal, opportunity_id=deal.opportunity_id[:15])

    one = terms(map_deal(org.MAPPING, deal, org.facts()))
    other = terms(map_deal(org.MAPPING, short, org.facts()))

    assert one.contract_id == other.contract_id
    assert one.opportunity_id == other.opportunity_id


def test_two_orgs_with_the_same_record_ids_share_nothing() -> None:
    deal = org.a_deal([LINE])

    one = terms(map_deal(org.MAPPING, deal, org.facts()))
    other = terms(map_deal(org.MAPPING, deal, org.facts(org_id="00DHs000000000BIAQ")))

    assert one.contract_id != other.contract_id
    assert one.customer.id != other.customer.id
    assert not set(one.contract.terms.ids) & set(other.contract.terms.ids)


@pytest.mark.parametrize(
    ("cards", "code"),
    [
        ({"default": "EUR"}, "currency_mismatch"),
        ({"defaults": "USD"}, "rate_card_unknown"),
    ],
)
def test_a_rate_card_that_does_not_fit_parks_the_deal(cards: dict[str, str], code: str) -> None:
    rate_cards = {name: RateCardFact(id=name, currency=money) for name, money in cards.items()}

    found = parked(map_deal(org.MAPPING, org.a_deal([LINE]), org.facts(rate_cards=rate_cards)))

    assert list(found) == [code]
    assert found[code].place.startswith("mappings/cpq.yaml:")


def test_amounts_of_other_currencies_stay_in_whole_units() -> None:
    mapping = cpq_with("currency: '\"USD\"'", "currency: '\"EUR\"'")
    cards = {"default": RateCardFact(id="card", currency="EUR")}
    line = {**LINE, "SBQQ__NetTotal__c": Decimal("12.34")}
    facts = org.facts(rate_cards=cards, credit_types={"EUR": "euro"})

    found = terms(map_deal(mapping, org.a_deal([line]), facts))

    (charge,) = found.contract.terms.charges
    assert charge.items[0].amount == Decimal("12.34")
    assert charge.credit_type_id == "euro"


def test_a_currency_billing_does_not_know_parks_the_deal() -> None:
    mapping = cpq_with("currency: '\"USD\"'", "currency: '\"XTS\"'")

    found = parked(map_deal(mapping, org.a_deal([LINE]), org.facts()))

    assert "known: USD" in found["currency_unknown"].message


def test_an_amendment_of_itself_is_parked() -> None:
    deal = org.a_deal(
        [LINE],
        SBQQ__AmendedContract__c=org.sf_id("800", 1),
        SBQQ__AmendedContract__r={"SBQQ__Opportunity__c": org.OPPORTUNITY_ID},
    )
    known = {org.OPPORTUNITY_ID: "c"}

    assert "follows_itself" in parked(map_deal(org.MAPPING, deal, org.facts(contract_of=known)))


def renewal(**contract: Any) -> Any:
    return org.a_deal(
        [LINE],
        SBQQ__Renewal__c=True,
        SBQQ__RenewedContract__c=org.sf_id("800", 1),
        SBQQ__RenewedContract__r={"SBQQ__Opportunity__c": org.sf_id("006", 9), **contract},
    )


def test_a_renewal_of_a_contract_billing_does_not_have_starts_afresh_and_says_so() -> None:
    found = terms(map_deal(org.MAPPING, renewal(), org.facts()))

    assert isinstance(found.contract, Create)
    assert found.contract.transition is None
    assert [finding.code for finding in found.findings] == ["renews_unknown"]


@pytest.mark.parametrize(("last", "kind"), [("2023-12-31", "RENEWAL"), ("2023-12-30", "")])
def test_without_billings_word_the_crm_tells_when_the_old_contract_ended(
    last: str, kind: str
) -> None:
    known = {org.sf_id("006", 9): "old"}

    found = terms(map_deal(org.MAPPING, renewal(EndDate=last), org.facts(contract_of=known)))

    assert isinstance(found.contract, Create)
    transition = found.contract.transition
    assert (transition.type if transition is not None else "") == kind


def test_a_contract_that_never_ended_is_ended_by_its_renewal() -> None:
    facts = org.facts(contract_of={org.sf_id("006", 9): "old"}, contract_ends={"old": None})

    found = terms(map_deal(org.MAPPING, renewal(), facts))

    assert [finding.code for finding in found.findings] == ["renewed_early"]
    assert "without end" in found.findings[0].message


def test_payment_terms_must_be_days() -> None:
    tables = {**org.tables(), "payment-terms.csv": "Salesforce,Days\nnone,soon\n"}
    mapping = load_mapping(org.cpq_text(), "m.yaml", org.SCHEMA, tables)

    assert "payment_terms" in parked(map_deal(mapping, org.a_deal([LINE]), org.facts()))


def test_a_kind_nobody_knows_parks_the_deal() -> None:
    mapping = tiny(CREATES, ("kind: '\"new\"'", "kind: '\"barter\"'"))

    found = parked(map_deal(mapping, org.a_deal([LINE]), org.facts()))

    assert "expected one of new, amendment, renewal" in found["kind_unknown"].message


def test_a_product_that_must_exist_and_does_not_parks_the_deal() -> None:
    found = parked(map_deal(tiny(), org.a_deal([LINE]), org.facts()))

    assert found["product_unknown"].field == "SBQQ__ProductCode__c"
    assert found["product_unknown"].record_id == LINE["Id"]
    assert found["product_unknown"].place == "m.yaml:20:17"


def test_a_charge_without_its_date_is_refused_and_never_dated_today() -> None:
    line = {**LINE, "SBQQ__StartDate__c": None}

    found = parked(map_deal(tiny(CREATES), org.a_deal([line]), org.facts()))

    assert found["undated_charge"].field == "SBQQ__StartDate__c"


@pytest.mark.parametrize(
    "change",
    [
        ("amount: SBQQ__NetTotal__c", "amount: SBQQ__NetTotal__c / SBQQ__ListPrice__c"),
        ("    for: lines\n", "    for: lines\n    when: 1 / SBQQ__ListPrice__c > 0\n"),
        ("    for: lines\n", "    for: lines\n    group_by: TEXT(1 / SBQQ__ListPrice__c)\n"),
        ("rules:\n", "fields: {lines: {Share: 1 / SBQQ__ListPrice__c}}\nrules:\n"),
        ("contract:\n", "contract:\n  name: TEXT(1 / (COUNT(lines) - 1))\n"),
        ("contract:\n", "contract:\n  total: 1 / (COUNT(lines) - 1)\n"),
        ("rules:\n", "gates: [{id: g, when: 1 / (COUNT(lines) - 1) > 0, message: x}]\nrules:\n"),
    ],
)
def test_a_formula_that_cannot_be_computed_parks_the_deal_and_says_where(
    change: tuple[str, str],
) -> None:
    line = {**LINE, "SBQQ__ListPrice__c": Decimal(0)}

    found = parked(map_deal(tiny(CREATES, change), org.a_deal([line]), org.facts()))

    assert set(found) == {"formula_failed"}
    assert found["formula_failed"].place.startswith("m.yaml:")


def test_an_amount_beyond_reason_parks_the_deal() -> None:
    line = {**LINE, "SBQQ__NetTotal__c": Decimal(10) ** 18}

    assert "amount_absurd" in parked(map_deal(tiny(CREATES), org.a_deal([line]), org.facts()))


def test_a_negative_amount_parks_the_deal() -> None:
    line = {**LINE, "SBQQ__NetTotal__c": Decimal(-1)}

    assert "negative_amount" in parked(map_deal(tiny(CREATES), org.a_deal([line]), org.facts()))


def test_rows_no_rule_matches_are_ignored_when_the_mapping_says_so() -> None:
    mapping = tiny(
        CREATES,
        ("    for: lines\n", "    for: lines\n    when: FALSE\n"),
        ("otherwise: reject", "otherwise: ignore\n    message: not ours"),
    )

    found = terms(map_deal(mapping, org.a_deal([LINE]), org.facts()))

    assert found.ignored == {LINE["Id"]: "not ours"}
    assert found.used == ()


def test_the_deal_itself_can_bring_terms_and_custom_fields() -> None:
    rule = """rules:
  - id: setup
    for: deal
    custom_fields: {stage: StageName}
    scheduled_charge: {product: '"sku:setup"', name: '"Setup"', amount: 5, on: CloseDate}
"""
    found = terms(
        map_deal(
            tiny(CREATES, ("rules:\n", rule)), org.a_deal([LINE], StageName="Won"), org.facts()
        )
    )

    names = {charge.name: charge.items[0].timestamp for charge in found.contract.terms.charges}
    assert names["Setup"] == datetime(2023, 12, 15, tzinfo=UTC)
    assert found.contract.custom_fields == {"stage": "Won"}


OVERRIDE = "override: {{start: SBQQ__StartDate__c, end: Invoice_Date__c, {}}}\n"
CHARGE = TINY[TINY.index("scheduled_charge:") : TINY.index("  - otherwise")]


@pytest.mark.parametrize(
    ("rate", "line", "code"),
    [
        ("multiplier: Override_Rate__c", {}, "missing_value"),
        ("multiplier: -1", {}, "rate_range"),
        ("multiplier: 1", {"Invoice_Date__c": "2023-12-31"}, "ends_before_start"),
        ("price: 1, tags: '\"storage\"'", {}, "rate_on_tag"),
    ],
)
def test_a_rate_that_cannot_be_parks_the_deal(rate: str, line: dict[str, str], code: str) -> None:
    mapping = tiny((CHARGE, OVERRIDE.format(rate)))

    assert code in parked(map_deal(mapping, org.a_deal([{**LINE, **line}]), org.facts()))


def test_an_open_ended_rate_and_a_priority_are_kept() -> None:
    mapping = tiny((CHARGE, OVERRIDE.format("multiplier: 1.1, priority: 2")))

    (override,) = terms(map_deal(mapping, org.a_deal([LINE]), org.facts())).contract.terms.overrides

    assert isinstance(override, Override)
    assert override.window.end is None
    assert override.rate == Multiplier(multiplier=Decimal("1.1"))
    assert override.priority == Decimal(2)
    assert override.applicability.is_everything


@pytest.mark.parametrize(
    ("frequency", "code"), [("'\"SOMETIMES\"'", "frequency_unknown"), ("'\"WEEKLY\"'", "")]
)
def test_a_schedule_needs_a_frequency_we_know(frequency: str, code: str) -> None:
    schedule = (
        f"schedule: {{start: CloseDate, end: CloseDate + 13, frequency: {frequency}, "
        "amounts: EACH}"
    )
    mapping = tiny(
        CREATES,
        ("for: lines", "for: deal"),
        (
            CHARGE,
            CHARGE.replace("on: SBQQ__StartDate__c", schedule)
            .replace("SBQQ__ProductCode__c", "Name")
            .replace("SBQQ__ProductName__c", "Name")
            .replace("SBQQ__NetTotal__c", "7"),
        ),
    )
    found = map_deal(mapping, org.a_deal([]), org.facts())

    if code:
        assert code in parked(found)
    else:
        assert [item.amount for item in terms(found).contract.terms.charges[0].items] == [700, 700]


def test_access_outside_the_contract_is_told() -> None:
    line = org.a_line(1, Deal_Term_Type__c="Commit", SBQQ__EffectiveEndDate__c="2025-06-30")

    found = terms(map_deal(org.MAPPING, org.a_deal([line]), org.facts()))

    assert [finding.code for finding in found.findings] == ["access_outside_contract"]


def test_an_amendment_dated_before_everything_it_brings_is_told() -> None:
    line = {**LINE, "SBQQ__EffectiveStartDate__c": "2024-03-01"}
    deal = org.a_deal(
        [line],
        Id=org.sf_id("006", 2),
        SBQQ__AmendedContract__c=org.sf_id("800", 1),
        SBQQ__AmendedContract__r={"SBQQ__Opportunity__c": org.OPPORTUNITY_ID},
    )

    found = terms(map_deal(org.MAPPING, deal, org.facts(contract_of={org.OPPORTUNITY_ID: "c"})))

    assert [finding.code for finding in found.findings] == ["amendment_dated_early"]


def test_two_discounts_on_everything_overlap_too() -> None:
    mapping = tiny((CHARGE, OVERRIDE.format("multiplier: 0.9")))
    lines = [LINE, {**LINE, "Id": org.sf_id("a0k", 2)}]

    found = terms(map_deal(mapping, org.a_deal(lines), org.facts()))

    assert [finding.code for finding in found.findings] == ["multipliers_overlap"]
    assert "for everything from 2024-01-01 on" in found.findings[0].message


def test_installments_without_a_commit_key_follow_their_line_or_its_segment_key() -> None:
    def commit(number: int, amount: int, **changes: Any) -> Any:
        return org.a_line(
            number, Deal_Term_Type__c="Commit", SBQQ__NetTotal__c=Decimal(amount), **changes
        )

    segmented, plain = commit(1, 70, SBQQ__SegmentKey__c="S1"), commit(2, 30)
    installments = [
        org.an_installment(
            1, "70", "2024-02-01", Quote_Line__c=segmented["Id"], Quote_Line__r=segmented
        ),
        org.an_installment(2, "30", "2024-03-01", Quote_Line__c=plain["Id"], Quote_Line__r=plain),
    ]

    found = terms(map_deal(org.MAPPING, org.a_deal([segmented, plain], installments), org.facts()))

    paid = {one.cost_total: one.payments[0].timestamp for one in found.contract.terms.commits}
    assert paid == {
        Decimal(7000): datetime(2024, 2, 1, tzinfo=UTC),
        Decimal(3000): datetime(2024, 3, 1, tzinfo=UTC),
    }
