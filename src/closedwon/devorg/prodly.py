"""Reading a folder of Prodly (AppOps) CSV exports, one file per object.

``Guid`` stands for the record id and lookups hold Guids; ``#N/A`` is null; numbers carry a decimal
point. Formula fields and stamps are not exported. System ids that survive in text fields point at
nothing here, and stay as they are.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from closedwon.devorg.schema import FieldDef, ObjectInfo, OrgSchema
from closedwon.kernel.errors import ConfigError

GUID = "Guid"
NULL = "#N/A"
ROWS_MAX = 1_000_000

NewId = Callable[[ObjectInfo], str]


def prodly_records(
    directory: Path, schema: OrgSchema, new_id: NewId
) -> dict[str, list[dict[str, Any]]]:
    """Records per object in the form ``Org.load_records`` takes, with new ids.

    Columns the org has no field for are left out (exports carry fields of packages we do not
    have); a file of an unknown object, or a lookup to a row that is not in the folder, is left out
    or null likewise. Raises ConfigError for a folder without exports or a broken file.
    """
    tables = {info.name: (info, rows) for info, rows in _tables(directory, schema)}
    if not tables:
        raise ConfigError("no Prodly CSV export of a known object here", directory=str(directory))
    ids = {
        row[GUID]: new_id(info) for info, rows in tables.values() for row in rows if row.get(GUID)
    }
    return {
        name: [_record(info, row, ids) for row in rows] for name, (info, rows) in tables.items()
    }


def _tables(
    directory: Path, schema: OrgSchema
) -> Iterator[tuple[ObjectInfo, list[dict[str, str]]]]:
    for path in sorted(directory.glob("*.csv")):
        info = schema.find(path.stem)
        if info is not None:
            yield info, _rows(path)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            rows = list(csv.DictReader(file, strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            raise ConfigError(f"not a CSV export: {error}", file=str(path)) from error
    if rows and GUID not in rows[0]:
        raise ConfigError("a Prodly export has a Guid column", file=str(path))
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ConfigError(
                "a row is longer or shorter than its header", file=str(path), row=line
            )
    if len(rows) > ROWS_MAX:
        raise ConfigError("too many rows in one export", file=str(path), rows=len(rows))
    return rows


def _record(info: ObjectInfo, row: Mapping[str, str], ids: Mapping[str, str]) -> dict[str, Any]:
    record: dict[str, Any] = {"Id": ids[row[GUID]]}
    for name, text in row.items():
        field = info.field(name)
        if field is not None and field.name != "Id" and text not in ("", NULL):
            record[field.name] = _value(field, text, ids)
    return record


def _value(field: FieldDef, text: str, ids: Mapping[str, str]) -> str | None:
    return ids.get(text) if field.reference_to else text
