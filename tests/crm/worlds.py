"""Orgs that people work in, for the conformance suite."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from closedwon.deals.types import Record
from closedwon.kernel.strict_json import fingerprint
from closedwon.testing.crm import FakeCrm
from closedwon.testing.crm_world import SOURCE

START = datetime(2024, 3, 1, 12, tzinfo=UTC)
UNMAPPED = {"SystemModstamp", "IsDeleted"}


class Clock:
    """Time that moves when told to."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def mapped_fields(record: Record, children: Mapping[str, tuple[Record, ...]]) -> str:
    """A fingerprint as a mapping takes it: of everything but stamps."""

    def plain(row: Record) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in UNMAPPED}

    return fingerprint(
        [plain(record), {name: [plain(row) for row in rows] for name, rows in children.items()}]
    )


class FakeWorld:
    """The in-memory CRM."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.crm = FakeCrm(
            SOURCE,
            won=lambda row: row["StageName"] == "Closed Won",
            fingerprint=mapped_fields,
            clock=self.clock,
        )

    def now(self) -> datetime:
        return self.clock.at

    def advance(self, seconds: int) -> None:
        self.clock.at += timedelta(seconds=seconds)

    def create(self, object_name: str, fields: Mapping[str, Any]) -> str:
        return self.crm.put(object_name, fields)

    def update(self, object_name: str, id_: str, fields: Mapping[str, Any]) -> None:
        self.crm.put(object_name, {**fields, "Id": id_})

    def delete(self, object_name: str, id_: str) -> None:
        self.crm.delete(object_name, id_)

    def undelete(self, object_name: str, id_: str) -> None:
        self.crm.undelete(object_name, id_)

    def stored(self, object_name: str) -> tuple[Mapping[str, Any], ...]:
        return self.crm.rows(object_name)
