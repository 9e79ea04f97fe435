"""Rows of an export: ``<Object>.csv``, ``.json`` (a list) or ``.jsonl`` in one directory."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from closedwon.formula.schema import FieldInfo, Schema
from closedwon.kernel import strict_json
from closedwon.kernel.errors import ConfigError, Refused
from closedwon.kernel.exact import exact
from closedwon.kernel.ids import id18

BLANK = ("", "#N/A")
NUMBERS = {"currency", "double", "percent", "int", "long"}
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

Row = dict[str, Any]
Table = Mapping[str, Row]
"""Rows by their 18-character id."""


def load_tables(directory: Path, schema: Schema) -> dict[str, Table]:
    """Every table of the export by object name; raises ConfigError with file and line.

    Text of CSV files is typed by ``schema``; a field it does not know stays text.
    """
    tables: dict[str, Table] = {}
    for file in sorted(directory.iterdir()):
        if file.suffix in READERS:
            if file.stem in tables:
                raise ConfigError("two files of one object", file=str(file))
            rows = READERS[file.suffix](file, schema.get(file.stem, {}))
            tables[file.stem] = _by_id(rows, file)
    if not tables:
        raise ConfigError("no .csv, .json or .jsonl export here", directory=str(directory))
    return tables


def _csv(file: Path, fields: Mapping[str, FieldInfo]) -> list[Row]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            return [_typed(row, fields, file, reader.line_num) for row in reader]
        except csv.Error as error:
            raise ConfigError(f"not CSV: {error}", file=f"{file}:{reader.line_num + 1}") from error


def _json(file: Path, _fields: Mapping[str, FieldInfo]) -> list[Row]:
    return _objects(_loaded(file.read_bytes(), str(file)), file)


def _jsonl(file: Path, _fields: Mapping[str, FieldInfo]) -> list[Row]:
    lines = file.read_bytes().split(b"\n")
    rows = [_loaded(line, f"{file}:{n}") for n, line in enumerate(lines, start=1) if line.strip()]
    return _objects(rows, file)


READERS = {".csv": _csv, ".json": _json, ".jsonl": _jsonl}


def _loaded(text: bytes, place: str) -> Any:
    try:
        return strict_json.loads(text)
    except Refused as error:
        raise ConfigError(error.message, file=place) from error


def _objects(rows: Any, file: Path) -> list[Row]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError("expected a list of records", file=str(file))
    return rows


def _typed(
    row: Mapping[str | None, Any], fields: Mapping[str, FieldInfo], file: Path, line: int
) -> Row:
    if None in row or None in row.values():
        raise ConfigError("more or fewer cells than the header has", file=f"{file}:{line}")
    try:
        return {str(name): _cell(text, fields.get(str(name))) for name, text in row.items()}
    except Refused as error:
        raise ConfigError(error.message, file=f"{file}:{line}") from error


def _cell(text: str, field: FieldInfo | None) -> Any:
    if text in BLANK:
        return None
    if field is None:
        return text
    if field.type in NUMBERS:
        return exact(text)
    if field.type == "boolean":
        if text.lower() not in BOOLEANS:
            raise Refused(f"not a boolean: {text!r}")
        return BOOLEANS[text.lower()]
    return text


def _by_id(rows: Iterable[Row], file: Path) -> Table:
    table: dict[str, Row] = {}
    for number, row in enumerate(rows, start=1):
        try:
            id_ = id18(str(row.get("Id")))
        except Refused as error:
            place = f"{file} record {number}"
            raise ConfigError("a record without a Salesforce Id", file=place) from error
        if id_ in table:
            raise ConfigError("an Id appears twice", file=str(file), id=id_)
        table[id_] = {**row, "Id": id_}
    return table
