"""Exports are read exactly or refused with file and line."""

from decimal import Decimal
from pathlib import Path

import pytest

from closedwon.crm.files.tables import load_tables
from closedwon.formula.schema import FieldInfo
from closedwon.kernel.errors import ConfigError
from closedwon.kernel.ids import id18

ID = id18("006Hs0000000001")
SCHEMA = {
    "Opportunity": {
        "Amount": FieldInfo(name="Amount", type="currency"),
        "IsWon": FieldInfo(name="IsWon", type="boolean"),
    }
}


def test_csv_cells_are_typed_by_the_schema(tmp_path: Path) -> None:
    text = f"\ufeffId,Amount,IsWon,Name,Note\n{ID[:15]},33.449999999999996,TRUE,'x',#N/A\n"
    (tmp_path / "Opportunity.csv").write_text(text, encoding="utf-8")

    row = load_tables(tmp_path, SCHEMA)["Opportunity"][ID]

    assert row == {
        "Id": ID,
        "Amount": Decimal("33.449999999999996"),
        "IsWon": True,
        "Name": "'x'",
        "Note": None,
    }


def test_json_and_json_lines_keep_exact_numbers(tmp_path: Path) -> None:
    (tmp_path / "A.json").write_text(f'[{{"Id":"{ID}","n":0.1}}]')
    (tmp_path / "B.jsonl").write_text(f'{{"Id":"{ID}","t":"\u2028"}}\n\n')

    tables = load_tables(tmp_path, {})

    assert tables["A"][ID]["n"] == Decimal("0.1")
    assert tables["B"][ID]["t"] == "\u2028"


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("Opportunity.csv", f"Id,Amount\n{ID},abc\n", "Opportunity.csv:2"),
        ("Opportunity.csv", f"Id,IsWon\n{ID},maybe\n", "Opportunity.csv:2"),
        ("Opportunity.csv", f"Id,Amount\n{ID}\n", "Opportunity.csv:2"),
        ("Opportunity.csv", f"Id,Amount\n{ID},1,2\n", "Opportunity.csv:2"),
        ("Opportunity.csv", 'Id,Amount\n"x"y,1\n', "Opportunity.csv:2"),
        ("Opportunity.csv", "Id,Amount\nx,1\n", "record 1"),
        ("Opportunity.csv", f"Id\n{ID}\n{ID}\n", "twice"),
        ("Opportunity.json", "{}", "list of records"),
        ("Opportunity.json", "[NaN]", "Opportunity.json"),
        ("Opportunity.jsonl", f'{{"Id":"{ID}"}}\n{{"a":1,"a":2}}\n', "Opportunity.jsonl:2"),
        ("readme.txt", "", "no .csv"),
    ],
)
def test_doubtful_exports_are_refused_with_their_place(
    tmp_path: Path, name: str, text: str, place: str
) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(ConfigError) as caught:
        load_tables(tmp_path, SCHEMA)
    assert place in str(caught.value)


def test_an_object_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "A.csv").write_text(f"Id\n{ID}\n")
    (tmp_path / "A.json").write_text("[]")

    with pytest.raises(ConfigError, match="two files"):
        load_tables(tmp_path, {})
