"""Look-up tables of a mapping: CSV text with a header line, read exactly."""

import csv
import io
from collections.abc import Mapping

import msgspec

from closedwon.deals.mapping.problems import Problem, Spot, nearest

ROWS_MAX = 100_000


class CsvTable(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by key; every cell is text without surrounding blanks."""

    file: str
    key: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]

    def column(self, name: str) -> Mapping[str, str]:
        """Key -> cell of one column."""
        return {key: row[name] for key, row in self.rows.items()}


def read_table(text: str, file: str, key: str, problems: list[Problem]) -> CsvTable | None:
    """Parse a CSV table; None, with the reasons in ``problems``, when it cannot be used.

    ``key`` is the column looked up, the first one when empty. A key appears once; every line has
    as many cells as the header.
    """
    try:
        lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True))
    except csv.Error as error:
        problems.append(_problem(file, 1, str(error), "CSV"))
        return None
    if not lines or len(lines[0]) < 2 or len(lines) > ROWS_MAX:
        found = f"{len(lines)} lines, {len(lines[0]) if lines else 0} columns"
        problems.append(_problem(file, 1, found, f"2 columns and 1..{ROWS_MAX} lines"))
        return None
    columns = tuple(cell.strip() for cell in lines[0])
    key = key or columns[0]
    if key not in columns or len(set(columns)) != len(columns):
        expected = "different columns, one of them " + repr(key)
        found = ", ".join(columns)
        problems.append(_problem(file, 1, found, expected, nearest(key, columns)))
        return None
    rows: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines[1:], start=2):
        cells = dict(zip(columns, (cell.strip() for cell in line), strict=False))
        if len(line) != len(columns):
            expected = f"{len(columns)} cells"
            problems.append(_problem(file, number, f"{len(line)} cells", expected))
        elif cells[key] in rows:
            problems.append(_problem(file, number, f"key {cells[key]!r} again", "it once"))
        else:
            rows[cells[key]] = cells
    return CsvTable(file=file, key=key, columns=columns, rows=rows)


def _problem(file: str, line: int, found: str, expected: str, near: str = "") -> Problem:
    return Problem(spot=Spot(file, line, 1), found=found, expected=expected, nearest=near)
