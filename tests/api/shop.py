"""Catalogues made through the SDK: an empty one to fill, and one with goods in it already."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from metronome import Metronome

JANUARY = "2026-01-01T00:00:00Z"
EVER = "2020-01-01T00:00:00Z"


class Seller:
    """A rate card without rates and a customer, ``acme``, that contracts are made with."""

    def __init__(self, client: Metronome, since: str = JANUARY, **card: Any) -> None:
        self.client = client
        self.since = since
        aliases = {"aliases": [{"name": "card"}]} | card
        self.card = client.v1.contracts.rate_cards.create(name="Card", **aliases).data.id
        self.customer = client.v1.customers.create(name="Acme", ingest_aliases=["acme"]).data.id

    def seen_by(self, client: Metronome) -> "Shop":
        """The same shop through another client."""
        found = copy(self)
        found.client = client
        return found

    def usage(
        self,
        name: str,
        key: str,
        tags: Sequence[str] = (),
        group: str | None = "region",
        aggregation: Any = "SUM",
        **fields: Any,
    ) -> str:
        """A usage product with a metric of its own, by region, another property or none."""
        groups = [] if group is None else [group]
        metric = self.client.v1.billable_metrics.create(
            name=name,
            aggregation_type=aggregation,
            aggregation_key=key,
            event_type_filter={"in_values": ["used"]},
            property_filters=[{"name": one, "exists": True} for one in (key, *groups)],
            group_keys=[groups] if groups else [],
        ).data.id
        return self.product("USAGE", name, billable_metric_id=metric, tags=list(tags), **fields)

    def product(self, kind: Any, name: str, **fields: Any) -> str:
        return self.client.v1.contracts.products.create(name=name, type=kind, **fields).data.id

    def rate(self, product_id: str, price: float | None, **fields: Any) -> None:
        """Flat unless ``fields`` say otherwise."""
        given = {"rate_type": "FLAT", "starting_at": EVER, "entitled": True, "price": price}
        given = {name: value for name, value in (given | fields).items() if value is not None}
        self.client.v1.contracts.rate_cards.rates.add(
            rate_card_id=self.card, product_id=product_id, **given
        )

    def contract(self, **terms: Any) -> str:
        """A contract of the customer on the card, from ``since`` on."""
        given = {"rate_card_id": self.card, "starting_at": self.since} | terms
        given = {name: value for name, value in given.items() if value is not None}
        return self.client.v1.contracts.create(customer_id=self.customer, **given).data.id

    def edit(self, contract_id: str, **changes: Any) -> None:
        self.client.v2.contracts.edit(customer_id=self.customer, contract_id=contract_id, **changes)

    def v2(self, contract_id: str, **flags: Any) -> Any:
        return self.client.v2.contracts.retrieve(
            customer_id=self.customer, contract_id=contract_id, **flags
        ).data


class Shop(Seller):
    """Storage and analysis by use, seats by the month, a commit and support to sell at will."""

    def __init__(self, client: Metronome, since: str = JANUARY) -> None:
        super().__init__(client, since)
        self.storage = self.usage("Storage", "storage_gb", tags=["storage"])
        self.analysis = self.usage("Analysis", "analysis_hours", tags=["analysis"])
        self.commit = self.product("FIXED", "Enterprise Commit")
        self.support = self.product("FIXED", "Professional Support")
        self.seat = self.product("SUBSCRIPTION", "Seat")
        self.rate(self.storage, 2.3)
        self.rate(self.analysis, 125)
        self.rate(self.seat, 2900, billing_frequency="MONTHLY")

    def prepaid(
        self, amount: float, start: str = JANUARY, end: str = "2027-01-01T00:00:00Z"
    ) -> Any:
        """A commit of the catalogue's product."""
        return {
            "type": "PREPAID",
            "product_id": self.commit,
            "priority": 1,
            "access_schedule": {
                "schedule_items": [{"amount": amount, "starting_at": start, "ending_before": end}]
            },
            "invoice_schedule": {"schedule_items": [{"amount": amount, "timestamp": start}]},
        }
