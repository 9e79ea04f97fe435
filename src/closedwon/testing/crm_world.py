"""An org that people work in, and the deals of the ports.Crm conformance suite."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

from closedwon.deals.source import ChildSource, DealSource
from closedwon.kernel.ids import id18
from closedwon.ports import ChangedRow, Crm, Window

SOURCE = DealSource(
    root="Opportunity",
    trigger="IsWon = true",
    fields=("Account.Name", "AccountId", "Amount", "CloseDate", "Name", "StageName"),
    children=(
        ChildSource(
            name="quotes",
            object_name="SBQQ__Quote__c",
            link="SBQQ__Opportunity2__c",
            parent="deal.Id",
            to_root="SBQQ__Opportunity2__c",
            fields=("SBQQ__Opportunity2__c", "SBQQ__Primary__c"),
        ),
        ChildSource(
            name="lines",
            object_name="SBQQ__QuoteLine__c",
            link="SBQQ__Quote__c",
            parent="quotes.Id",
            to_root="SBQQ__Quote__r.SBQQ__Opportunity2__c",
            fields=("SBQQ__Number__c", "SBQQ__Quantity__c"),
            order_by="SBQQ__Number__c",
        ),
    ),
)
PUSHED: Final = "Meter_Customer__c"
PUSHED_CHILD: Final = "Meter_Contract__c"
KEY: Final = "Key__c"
SECOND = timedelta(seconds=1)
NOBODY = id18("006Zz0000000000")


class World(Protocol):
    """An org that people work in, and our adapter of it."""

    @property
    def crm(self) -> Crm:
        """The adapter under test; it settles for 60 s."""
        ...

    def now(self) -> datetime:
        """The org's clock."""
        ...

    def advance(self, seconds: int) -> None:
        """Let time pass in the org."""
        ...

    def create(self, object_name: str, fields: Mapping[str, Any]) -> str:
        """A person creates a record; returns its id."""
        ...

    def update(self, object_name: str, id_: str, fields: Mapping[str, Any]) -> None:
        """A person edits a record."""
        ...

    def delete(self, object_name: str, id_: str) -> None:
        """A person deletes a record."""
        ...

    def undelete(self, object_name: str, id_: str) -> None:
        """A person takes a record back out of the recycle bin."""
        ...

    def stored(self, object_name: str) -> tuple[Mapping[str, Any], ...]:
        """Live rows of an object as the org holds them."""
        ...


def a_deal(world: World, name: str = "Alpha", **fields: Any) -> tuple[str, str, str]:
    """Ids of a won opportunity, its quote and one of its two lines; settled."""
    account = world.create("Account", {"Name": f"{name} Inc"})
    opportunity = world.create(
        "Opportunity",
        {
            "Name": name,
            "AccountId": account,
            "StageName": "Closed Won",
            "CloseDate": "2024-03-15",
            "Amount": Decimal("1234567.89"),
            **fields,
        },
    )
    quote = world.create(
        "SBQQ__Quote__c", {"SBQQ__Opportunity2__c": opportunity, "SBQQ__Primary__c": True}
    )
    lines = [
        world.create(
            "SBQQ__QuoteLine__c",
            {"SBQQ__Quote__c": quote, "SBQQ__Number__c": number, "SBQQ__Quantity__c": number * 10},
        )
        for number in (2, 1)
    ]
    world.advance(120)
    return opportunity, quote, lines[0]


def pushed(key: str, **fields: Any) -> dict[str, Any]:
    """A row to push with that external id."""
    return {KEY: key, "Name": key, **fields}


def since(world: World, start: datetime, *objects: str) -> list[ChangedRow]:
    """Rows of ``objects`` changed from ``start`` until now."""
    windows = [Window(object_name=name, since=start, until=world.now()) for name in objects]
    return list(world.crm.changes(windows))
