"""A deal's place on the line as a value, and the store's JSON text of its content."""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

import msgspec

from closedwon.billing.contracts.edits import Amend, Create
from closedwon.billing.contracts.terms import Transition
from closedwon.deals.types import Deal, Terms
from closedwon.kernel import strict_json
from closedwon.kernel.instant import format_instant, parse_instant


class Outcome(StrEnum):
    """What became of a deal."""

    WAITING = "waiting"
    PROVISIONED = "provisioned"
    PARKED = "parked"
    EXCLUDED = "excluded"


class DealRow(msgspec.Struct, frozen=True, kw_only=True):
    """One deal's place on the line; ``reason`` says why it waits or is excluded."""

    opportunity_id: str
    name: str
    outcome: Outcome
    waits_for: str | None
    reason: str
    marks: int
    """Grows with every change seen; a step only settles the mark it read."""
    reads: int
    """Reads in a row that found the deal unready."""
    forced: bool
    """Go down the whole line although the fingerprint is unchanged."""
    fingerprint: str | None
    read_at: datetime | None
    mapping_version: str | None
    kind: str | None
    account_id: str | None
    customer_id: str | None
    contract_id: str | None
    """Created or amended by the deal; known once it is mapped."""
    follows: str | None
    """Contract that must exist first, for amendments and renewals."""
    provisioned_at: datetime | None
    seen_at: datetime
    marked_at: datetime


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many deals have which outcome."""

    seen: int
    provisioned: int
    parked: int
    excluded: int
    waiting: int


def content_of(deal: Deal) -> str:
    """The store's JSON text of a deal; numbers stay exact numbers."""
    return strict_json.dumps(
        {
            "opportunity_id": deal.opportunity_id,
            "record": deal.record,
            "children": deal.children,
            "fingerprint": deal.fingerprint,
            "read_at": format_instant(deal.read_at),
        }
    )


def deal_of(text: str) -> Deal:
    """The deal back from the store's JSON text."""
    found = strict_json.loads(text)
    return Deal(
        opportunity_id=found["opportunity_id"],
        record=found["record"],
        children={name: tuple(rows) for name, rows in found["children"].items()},
        fingerprint=found["fingerprint"],
        read_at=parse_instant(found["read_at"]),
    )


def follows(terms: Terms) -> str | None:
    """Id of the contract that must exist before these terms can be applied."""
    match terms.contract:
        case Amend():
            return terms.contract_id
        case Create(transition=Transition() as transition):
            return transition.from_contract_id
        case Create():
            return None
        case _:
            assert_never(terms.contract)


def row_of(cells: dict[str, str | int | None]) -> DealRow:
    """A row of the deal table."""
    return msgspec.convert({**cells, "forced": bool(cells["forced"])}, DealRow)
