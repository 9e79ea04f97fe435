import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import openpyxl
import pytest

from closedwon.kernel.strict_json import loads
from closedwon.reports.render import csv_text, html, json_text, text, xlsx
from closedwon.reports.render.svg import chart_svg
from closedwon.reports.table import Chart, Column, Kind, Report, Series, Table

D = Decimal
NOW = datetime(2025, 1, 2, tzinfo=UTC)
COLUMNS = (
    Column("name"),
    Column("amount", Kind.MONEY),
    Column("day", Kind.DATE),
    Column("seen", Kind.INSTANT),
    Column("n", Kind.NUMBER),
    Column("ok"),
)
ROWS = (
    ("Northwind", D("1234567.5"), date(2024, 3, 1), NOW, 3, True),
    ("=HYPERLINK(1)", D("-12345678901234567.89"), None, None, D("0.125"), False),
)
CHART = Chart(
    title="Spend <by month>",
    labels=("Jan", "Feb"),
    series=(Series(name="a & b", values=(D(10), D(25))), Series(name="c", values=(D(0), D(5)))),
)


def report(**more: object) -> Report:
    table = Table(
        name="Rows", columns=COLUMNS, rows=ROWS, totals=("all", D(1), None, None, 3, None)
    )
    fields = {"title": "A <report>", "as_of": NOW, "tables": (table,), "notes": ("look",)}
    return Report(**{**fields, **more})  # type: ignore[arg-type]


def test_text_aligns_numbers_right_and_groups_thousands() -> None:
    lines = text.render(report()).splitlines()

    assert lines[0] == "A <report>, as of 2025-01-02T00:00:00+00:00"
    assert [line.split()[1] for line in lines if line.startswith("Northwind")] == ["1,234,567.50"]
    assert any("-12,345,678,901,234,567.89" in line for line in lines)
    assert len({len(line) for line in lines if line.startswith("---")}) == 1


def test_an_empty_table_says_so() -> None:
    empty = Table(name="Rows", columns=COLUMNS, rows=())

    assert "(none)" in text.render(report(tables=(empty,)))
    assert "none" in html.render(report(tables=(empty,)))


def test_csv_is_exact_and_inert() -> None:
    rows = list(csv.reader(io.StringIO(csv_text.render(report()))))

    assert rows[1] == [
        "Northwind",
        "1234567.5",
        "2024-03-01",
        "2025-01-02T00:00:00+00:00",
        "3",
        "true",
    ]
    assert rows[2][:2] == ["'=HYPERLINK(1)", "-12345678901234567.89"]


def test_json_keeps_every_digit() -> None:
    tables = loads(json_text.render(report()))["tables"]

    assert tables["Rows"]["rows"][1]["amount"] == D("-12345678901234567.89")
    assert tables["Rows"]["totals"]["name"] == "all"


def _sheet(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).active


def test_a_workbook_holds_no_formula_and_loses_no_digit() -> None:
    sheet = _sheet(xlsx.render(report()))
    kinds = {cell.data_type for row in sheet.iter_rows() for cell in row}

    assert "f" not in kinds
    assert sheet["A3"].value == "=HYPERLINK(1)"
    assert (sheet["B2"].value, sheet["B3"].value) == (1234567.5, "-12345678901234567.89")
    assert sheet["C2"].value == datetime(2024, 3, 1)  # noqa: DTZ001 - a spreadsheet has no zones


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_is_one_file_without_script_or_request() -> None:
    page = Page()
    page.feed(html.render(report(charts=(CHART,)), report(title="Second")))

    assert "script" not in page.tags
    assert page.links == []
    assert page.tags.count("h1") == 2
    assert page.tags.count("svg") == 1


def test_text_from_records_is_escaped_everywhere() -> None:
    rendered = html.render(report(charts=(CHART,)))

    assert "<report>" not in rendered
    assert "Spend &lt;by month&gt;" in rendered
    assert "a &amp; b" in rendered


@pytest.mark.parametrize(
    ("values", "top"), [((D(10), D(25)), "30"), ((D(0), D(0)), "1"), ((D("0.3"),), "0.3")]
)
def test_charts_end_at_a_round_number(values: tuple[Decimal, ...], top: str) -> None:
    labels = tuple("ab"[: len(values)])
    drawn = chart_svg(
        Chart(title="t", labels=labels, series=(Series(name="s", values=values),), lines=True)
    )

    assert f">{top}</text>" in drawn


def test_a_chart_without_points_is_not_drawn() -> None:
    assert chart_svg(Chart(title="t", labels=(), series=())) == ""
