"""What has to be on the remote before a contract can be: customer, products, field keys."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from closedwon.billing.catalog.types import Product, ProductType
from closedwon.deals.fields import Fields
from closedwon.deals.types import CustomerTerms
from closedwon.kernel.errors import Conflict, Refused
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import format_instant
from closedwon.store.database import writing
from closedwon.store.line.remote import RemoteBook
from closedwon.targets.metronome.calls import Calls, Effect
from closedwon.targets.metronome.catalogue import Catalogue
from closedwon.targets.metronome.meaning import lean, unsayable
from closedwon.targets.metronome.remote import Remote


class Preparation:
    """Makes what is missing there; what is there by its key is taken as it is."""

    def __init__(self, book: RemoteBook, remote: Remote, now: datetime) -> None:
        self._book = book
        self._remote = remote
        self._calls = Calls(book, remote)
        self._now = now

    def customer(self, terms: CustomerTerms) -> str:
        """Remote id of the customer: known, found by account or alias, or created (R371)."""
        known = self._book.there("customer", terms.id)
        if known is not None:
            return known
        self.allow_fields([("customer", terms.custom_fields)])
        found = self._customer_there(terms)
        there = found or self._calls.carry_out(self._customer_effect(terms), self._now)
        self._link(there, terms)
        if found is not None:
            self.set_fields("customer", there, terms.custom_fields)
        with writing(self._book.db):
            self._book.keep("customer", {terms.id: there})
        return there

    def product(self, product: Product, catalogue: Catalogue) -> str:
        """Remote id of a fixed product: known, found by id or name, or created."""
        known = self._book.there("product", product.id)
        if known is not None:
            return known
        if product.type is not ProductType.FIXED:
            raise unsayable(f"how the product {product.name!r} is metered", "create it there")
        self.allow_fields([("contract_product", product.custom_fields)])
        there = catalogue.product_like(product)
        if there is None:
            effect = Effect(
                id=derive("remote", "product", product.id),
                subject=product.id,
                path="/v1/contract-pricing/products/create",
                body={
                    "name": product.name,
                    "type": product.type.value,
                    **lean(
                        tags=list(product.versions[-1].tags),
                        custom_fields=dict(product.custom_fields),
                    ),
                },
                made=_made,
                find=lambda: catalogue.afresh().product_like(product),
            )
            there = self._calls.carry_out(effect, self._now)
        with writing(self._book.db):
            self._book.keep("product", {product.id: there})
        return there

    def allow_fields(self, fields: Iterable[Fields]) -> None:
        """Register the keys that are not; the mapping was checked, so they are meant (R364)."""
        wanted: dict[str, set[str]] = {}
        for entity, values in fields:
            wanted.setdefault(entity, set()).update(values)
        asked = sorted(entity for entity, keys in wanted.items() if keys)
        if not asked:
            return
        listed = self._remote.pages("/v1/customFields/listKeys", {"entities": asked})
        known = {(row["entity"], row["key"]) for row in listed}
        for entity in asked:
            for key in sorted(wanted[entity]):
                if (entity, key) not in known:
                    self._add_key(entity, key)

    def set_fields(self, entity: str, remote_id: str, values: Mapping[str, str]) -> None:
        """Set custom fields; saying so again changes nothing."""
        if values:
            body = {"entity": entity, "entity_id": remote_id, "custom_fields": dict(values)}
            self._set("/v1/customFields/setValues", body)

    def _add_key(self, entity: str, key: str) -> None:
        body = {"entity": entity, "key": key, "enforce_uniqueness": False}
        try:
            self._set("/v1/customFields/addKey", body)
        except Conflict:  # Another one added it since it was listed.
            return

    def _set(self, path: str, body: Any) -> None:
        """Keyed by the run too: said again later it is to happen, not to be replayed (R8)."""
        key = derive("request", path, repr(body), format_instant(self._now))
        self._remote.set(path, body, key)

    def _customer_effect(self, terms: CustomerTerms) -> Effect:
        return Effect(
            id=derive("remote", "customer", terms.id),
            subject=terms.id,
            path="/v1/customers",
            body={
                "name": terms.name,
                "customer_config": {"salesforce_account_id": terms.account_id},
                **lean(
                    ingest_aliases=list(terms.ingest_aliases),
                    custom_fields=dict(terms.custom_fields),
                ),
            },
            made=_made,
            find=lambda: self._customer_there(terms),
        )

    def _customer_there(self, terms: CustomerTerms) -> str | None:
        """The one customer with the account, or else with an alias and no other account."""
        asked = {"salesforce_account_ids": terms.account_id}
        found = [row for row in self._customers(asked) if _account(row) == terms.account_id]
        if not found:
            rows = (self._customers({"ingest_alias": one}) for one in terms.ingest_aliases)
            found = [row for listed in rows for row in listed]
        ids = {str(row["id"]) for row in found}
        if len(ids) > 1:
            raise Refused(
                f"the target has {len(ids)} customers for the account or its aliases; archive all"
                " but one there",
                account=terms.account_id,
            )
        others = {_account(row) for row in found} - {terms.account_id, ""}
        if others:
            raise Refused(
                "an ingest alias of the account is another account's on the target",
                account=terms.account_id,
                there=", ".join(sorted(others)),
            )
        return ids.pop() if ids else None

    def _customers(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        return list(self._remote.pages("/v1/customers", None, **query))

    def _link(self, there: str, terms: CustomerTerms) -> None:
        """The account on the customer, so that it is found by it next time."""
        shown = self._remote.get(f"/v1/customers/{there}", {})["data"]
        if _account(shown) != terms.account_id:
            body = {"salesforce_account_id": terms.account_id}
            self._set(f"/v1/customers/{there}/updateConfig", body)


def _account(row: Mapping[str, Any]) -> str:
    return str((row.get("customer_config") or {}).get("salesforce_account_id") or "")


def _made(answer: Any) -> str:
    return str(answer["data"]["id"])
