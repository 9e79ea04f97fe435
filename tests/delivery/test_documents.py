"""Invoice documents: what is printed adds up, is escaped, and asks for nothing (R4, R104, R132)."""

import re
import sys
from collections.abc import Iterable
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.world import at
from build import infrax, setup
from closedwon.billing.contracts.hierarchy import Party
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import (
    InvoiceStatus,
    InvoiceType,
    Line,
    LineType,
    Origin,
    TierRef,
)
from closedwon.delivery.documents import Issued, html_of, invoice_json, pdf_of
from closedwon.delivery.documents.figures import amount_text, number_text, period_text
from closedwon.delivery.documents.page import page_of
from closedwon.kernel import strict_json
from closedwon.kernel.errors import ConfigError, InvariantBroken
from closedwon.kernel.exact import Money
from closedwon.store.providers import ExternalInvoice
from delivery.invoices import CCU, covered, issued, purchase, usage


class Cells(HTMLParser):
    """Texts of a page, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def texts(one: Issued) -> list[str]:
    parser = Cells()
    parser.feed(html_of(one))
    return parser.texts


def amounts(one: Issued) -> list[str]:
    return [row.amount for table in page_of(one).tables for row in table.rows]


def test_r4_worked_example_two_thirds_of_a_cent() -> None:
    one = issued([usage("3222.22222222222222"), usage("3222.22222222222222"), usage("3222.22222")])
    assert one.total == Money(9667, "USD")
    assert [paid.minor for paid in one.rounded] == [3223, 3222, 3222]
    assert page_of(one).total == "USD 96.67"


def test_r4_s27_fractional_cents_are_paid_in_whole_ones() -> None:
    one = issued([*covered("1000"), usage("44679.09", quantity=Decimal("120754.29729729729"))])
    assert page_of(one).total == "USD 446.79"
    assert "120,754.29729730" not in texts(one)
    assert "120,754.2972973" in texts(one)


money = st.decimals(min_value=-(10**9), max_value=10**9, places=7, allow_nan=False)


@settings(max_examples=60)
@given(
    lines=st.lists(money, min_size=1, max_size=8),
    kind=st.sampled_from(["eur", "jpy", "kwd", None]),
    commit=st.sampled_from([CommitKind.PREPAID, CommitKind.POSTPAID]),
)
def test_r4_r133_printed_amounts_add_up_to_the_printed_total(
    lines: list[Decimal], kind: str | None, commit: CommitKind
) -> None:
    more = {} if kind is None else {"credit_type_id": kind}
    one = issued(
        [*(usage(str(total), **more) for total in lines), *covered("12.3456", commit, **more)],
        **more,
    )
    (table,) = page_of(one).tables

    def number(text: str) -> Decimal:
        return Decimal(text.replace(",", ""))

    assert sum(number(row.amount) for row in table.rows if row.is_charged) == number(table.total)
    assert abs(number(table.total) - one.total.amount) == 0


def test_r133_lines_that_do_not_make_the_total_are_never_printed() -> None:
    with pytest.raises(InvariantBroken, match="do not make the total"):
        page_of(issued([usage("100")], total=Decimal(101)))


@pytest.mark.parametrize(
    ("wire", "kind", "shown"),
    [
        ("123456.5", "", "1,234.57"),
        ("-123456.5", "", "-1,234.57"),
        ("1234.565", "eur", "1,234.57"),
        ("1234.5", "jpy", "1,235"),
        ("1.23456", "kwd", "1.235"),
        ("0", "", "0.00"),
        ("0.4", "", "0.00"),
    ],
)
def test_r4_amounts_have_the_decimals_of_their_currency(wire: str, kind: str, shown: str) -> None:
    more = {"credit_type_id": kind} if kind else {}
    assert amounts(issued([usage(wire, **more)], **more)) == [shown]
    assert amount_text(Money(-5, "USD")) == "-0.05"


def test_r132_covered_and_applied_lines_are_shown() -> None:
    one = issued([*covered("324100"), usage("100900")])
    (table,) = page_of(one).tables
    assert [(row.name, row.amount, row.details) for row in table.rows] == [
        ("Storage", "3,241.00", ("covered by Enterprise Commit",)),
        ("Enterprise Commit applied", "-3,241.00", ("Storage",)),
        ("Storage", "1,009.00", ()),
    ]
    assert [row.is_applied for row in table.rows] == [False, True, False]
    assert page_of(one).total == "USD 1,009.00"


def test_r133_r186_a_postpaid_application_takes_nothing_off_and_says_so() -> None:
    one = issued(covered("5000", CommitKind.POSTPAID))
    (_, applied) = page_of(one).tables[0].rows
    assert (applied.amount, applied.is_charged) == ("-50.00", False)
    assert "counts towards the commitment, takes nothing off this invoice" in applied.details
    assert page_of(one).total == "USD 50.00"


def test_r250_pricing_unit_lines_stand_apart_in_units() -> None:
    units = {"credit_type_id": CCU}
    conversion = usage(
        "3500",
        type=LineType.CPU_CONVERSION,
        name="CCU to USD",
        product_id=None,
        quantity=Decimal(350),
        unit_price=Decimal(10),
    )
    one = issued([*covered("1000", **units), usage("350", **units), conversion])
    ccu, usd = page_of(one).tables
    assert (ccu.unit, ccu.total, ccu.is_payable) == ("CCU", "350", False)
    assert [row.amount for row in ccu.rows] == ["1,000", "-1,000", "350"]
    assert [(r.name, r.quantity, r.unit_price, r.amount) for r in usd.rows] == [
        ("CCU to USD", "350", "0.10", "35.00")
    ]
    assert page_of(one).total == "USD 35.00"
    assert "In CCU" in texts(one)


@pytest.mark.parametrize(("days", "due"), [(30, "2024-03-03"), (0, "2024-02-02"), (None, None)])
def test_r104_due_date_is_issue_date_plus_terms(days: int | None, due: str | None) -> None:
    facts = dict(page_of(issued([usage("1")], net_payment_terms_days=days)).facts)
    assert facts["Issue date"] == "2024-02-02"
    assert facts.get("Due date") == due
    assert ("Payment terms" in facts) == (days is not None)


@pytest.mark.parametrize(
    ("status", "mark"),
    [(InvoiceStatus.DRAFT, "Draft"), (InvoiceStatus.VOID, "Void"), (InvoiceStatus.FINALIZED, "")],
)
def test_r282_drafts_and_voids_are_marked(status: InvoiceStatus, mark: str) -> None:
    page = html_of(issued([usage("1")], status=status))
    assert ('class="mark"' in page) == bool(mark)
    assert not mark or f'<p class="mark">{mark}:' in page


def test_custom_fields_seller_and_names_are_printed_and_escaped() -> None:
    one = issued(
        [purchase("100", name="<script>alert(1)</script>")],
        seller="ACME <Billing>\n\n1 Main St\n",
        contract_custom_fields={"PO number": "PO-7 & 8"},
        customer_custom_fields={"PO number": "other", "vat": "DE<1>"},
        regenerated_from="old",
        type=InvoiceType.SCHEDULED,
        start=None,
        end=None,
    )
    page = html_of(one)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    shown = texts(one)
    for text in ("Widgets & Sons <Ltd>", "ACME <Billing>", "1 Main St", "PO-7 & 8", "DE<1>"):
        assert text in shown
    assert "other" not in shown
    assert shown[shown.index("Replaces invoice") + 1] == "old"
    assert "Service period" not in shown
    assert "commit" in shown


def test_details_name_groups_tier_and_proration() -> None:
    line = usage(
        "1",
        pricing_group_values={"region": "eu"},
        presentation_group_values={"team": None},
        tier=TierRef(level=2, starting_at=Decimal(5)),
        is_prorated=True,
    )
    (row,) = page_of(issued([line])).tables[0].rows
    assert row.details == ("region: eu", "team: (none)", "tier 2, from 5", "prorated")


def test_the_page_asks_for_nothing_from_outside() -> None:
    page = html_of(issued([usage("1")]))
    assert re.findall(r"(?i)(src|href|url|@import|http)\s*[=(:]", page) == []
    assert page == html_of(issued([usage("1")]))


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("2024-01-01", "2024-02-01", "2024-01-01 to 2024-01-31"),
        ("2024-01-01", "2024-01-02", "2024-01-01"),
        ("2024-01-01T05:00", "2024-01-16", "2024-01-01 05:00 to 2024-01-16 00:00 UTC"),
        ("2024-01-01", None, "from 2024-01-01"),
    ],
)
def test_r1_periods_are_shown_with_their_last_day(start: str, end: str | None, shown: str) -> None:
    assert period_text(at(start), None if end is None else at(end)) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [("1E+3", "1,000"), ("-0.5", "-0.5"), ("0.123456789", "0.12345679"), ("12345.10", "12,345.1")],
)
def test_numbers_are_plain(number: str, shown: str) -> None:
    assert number_text(Decimal(number)) == shown


def test_s1_every_stored_invoice_has_a_document() -> None:
    world = setup()
    infrax(world.engine, world.usage)
    while world.engine.finalize(at("2025-03-02")).remaining:
        pass
    customer, catalog = world.engine.customer("customer"), world.engine.catalog()
    found = world.engine.invoices()
    assert len(found) > 14
    for invoice in found:
        one = Issued(invoice=invoice, customer=customer, catalog=catalog)
        assert texts(one)[-1] == f"USD {amount_text(one.total)}"
        wire = invoice_json(one)
        assert wire["total"] == sum((_total(line) for line in wire["line_items"]), Decimal(0))
        assert strict_json.loads(strict_json.dumps(wire))["id"] == invoice.id


def _total(line: dict[str, Decimal]) -> Decimal:
    return line["total"]


def test_b2_the_json_has_the_wires_shape() -> None:
    first, applied, rest = _lines([*covered("324100"), usage("100900")])
    assert first == {
        "name": "Storage",
        "type": "usage",
        "total": Decimal(324100),
        "credit_type": {"id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2", "name": "USD (cents)"},
        "quantity": Decimal(1),
        "unit_price": Decimal(324100),
        "product_id": "p-Storage",
        "product_type": "UsageProductListItem",
        "starting_at": "2024-01-01T00:00:00+00:00",
        "ending_before": "2024-02-01T00:00:00+00:00",
        "commit_id": "A",
        "commit_segment_id": "A1",
        "commit_type": "PrepaidCommit",
        "applied_commit_or_credit": {"id": "A", "type": "PREPAID"},
    }
    assert {"quantity", "unit_price"} & applied.keys() == set()
    assert (applied["name"], applied["total"]) == ("Enterprise Commit applied", -324100)
    assert "commit_id" not in rest


def test_b3_b4_fixed_lines_and_tiers() -> None:
    (line,) = _lines([purchase("1000000", commit_kind=CommitKind.POSTPAID)])
    assert line["product_type"] == "FixedProductListItem"
    assert line["postpaid_commit"] == {"id": "A"}
    assert "applied_commit_or_credit" not in line
    (tiered,) = _lines([usage("500", tier=TierRef(level=2, starting_at=Decimal(5)))])
    assert tiered["tier"] == {"level": 2, "starting_at": "5", "size": None}


def _lines(lines: Iterable[Line]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = invoice_json(issued(tuple(lines)))["line_items"]
    return found


def test_r145_what_became_of_it_outside_is_told_and_no_tax_is_ours() -> None:
    one = issued([usage("100")])
    assert "external_invoice" not in invoice_json(one)
    external = ExternalInvoice(
        invoice_id="inv-1",
        billing_provider="stripe",
        external_id="in_1",
        external_status="PAID",
        updated_at=at("2024-02-03"),
    )
    told = invoice_json(replace(one, external=external))
    assert told["external_invoice"] == {
        "billing_provider_type": "stripe",
        "invoice_id": "in_1",
        "external_status": "PAID",
    }
    assert "tax" not in strict_json.dumps(told)
    assert "tax" not in " ".join(texts(one)).lower()


def test_pdf_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ConfigError, match=r"pip install closedwon\[pdf\]"):
        pdf_of(issued([usage("1")]))


def test_pdf_without_pango_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_name: str) -> None:
        raise OSError("cannot load library 'libgobject-2.0-0'")

    monkeypatch.setattr("closedwon.delivery.documents.pdf.import_module", fail)
    with pytest.raises(ConfigError, match="Pango"):
        pdf_of(issued([usage("1")]))


def test_r304_a_consolidated_invoice_names_its_parts_and_payer() -> None:
    parts = [
        usage(
            "100",
            origin=Origin(
                customer_id=who, contract_id=f"{who}s", invoice_id=f"of {who}", line_number=1
            ),
        )
        for who in ("parent", "child", "parent")
    ]
    payer = Party(customer_id="parent", contract_id="parents")
    one = issued(parts, type=InvoiceType.USAGE_CONSOLIDATED, payer=payer, is_billable=False)
    wire = invoice_json(one)
    assert [part["invoice_id"] for part in wire["constituent_invoices"]] == [
        "of parent",
        "of child",
    ]
    assert wire["payer"] == {"customer_id": "parent", "contract_id": "parents"}
    assert wire["billable_status"] == "unbillable"
    assert wire["line_items"][1]["origin"]["contract_id"] == "childs"
    assert page_of(one).title == "Consolidated usage invoice"
