"""A small catalogue made through the SDK: two metrics, what is sold for them, a rate card."""

from copy import copy
from typing import Any

from metronome import Metronome

JANUARY = "2026-01-01T00:00:00Z"


class Shop:
    """Ids of a catalogue and of one customer, as the server gave them."""

    def __init__(self, client: Metronome, since: str = JANUARY) -> None:
        self.client = client
        self.since = since
        self.storage = self.usage("Storage", "storage_gb", tags=["storage"])
        self.analysis = self.usage("Analysis", "analysis_hours", tags=["analysis"])
        self.commit = self.product("FIXED", "Enterprise Commit")
        self.support = self.product("FIXED", "Professional Support")
        self.seat = self.product("SUBSCRIPTION", "Seat")
        card = client.v1.contracts.rate_cards.create(name="Card", aliases=[{"name": "card"}])
        self.card = card.data.id
        self.rate(self.storage, 2.3)
        self.rate(self.analysis, 125)
        self.rate(self.seat, 2900, billing_frequency="MONTHLY")
        self.customer = client.v1.customers.create(name="Acme", ingest_aliases=["acme"]).data.id

    def seen_by(self, client: Metronome) -> "Shop":
        """The same shop through another client."""
        found = copy(self)
        found.client = client
        return found

    def usage(
        self, name: str, key: str, tags: list[str], group: str = "region", **fields: Any
    ) -> str:
        """A usage product with a SUM metric of its own, by region or by another property."""
        metric = self.client.v1.billable_metrics.create(
            name=name,
            aggregation_type="SUM",
            aggregation_key=key,
            event_type_filter={"in_values": ["used"]},
            property_filters=[{"name": key, "exists": True}, {"name": group, "exists": True}],
            group_keys=[[group]],
        ).data.id
        return self.product("USAGE", name, billable_metric_id=metric, tags=tags, **fields)

    def product(self, kind: Any, name: str, **fields: Any) -> str:
        return self.client.v1.contracts.products.create(name=name, type=kind, **fields).data.id

    def rate(self, product_id: str, price: float, **fields: Any) -> None:
        self.client.v1.contracts.rate_cards.rates.add(
            rate_card_id=self.card,
            product_id=product_id,
            entitled=True,
            rate_type="FLAT",
            price=price,
            starting_at="2020-01-01T00:00:00Z",
            **fields,
        )

    def contract(self, **terms: Any) -> str:
        """A contract of the customer on the card, from ``since`` on."""
        given = {"rate_card_id": self.card, "starting_at": self.since} | terms
        given = {name: value for name, value in given.items() if value is not None}
        return self.client.v1.contracts.create(customer_id=self.customer, **given).data.id

    def v2(self, contract_id: str, **flags: Any) -> Any:
        return self.client.v2.contracts.retrieve(
            customer_id=self.customer, contract_id=contract_id, **flags
        ).data

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
