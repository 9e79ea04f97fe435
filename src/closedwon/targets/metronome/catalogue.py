"""Products, rate cards and credit types of the remote, found by what ours are called.

By id, else by alias (cards), else by exact name, and only if one thing alone has it. What was found
once keeps its id, so a new name there later changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from closedwon.billing.catalog.types import Catalog, Product, RateCard
from closedwon.kernel.errors import Refused
from closedwon.targets.metronome.remote import Remote

Rows = list[dict[str, Any]]


class Catalogue:
    """One look at the remote's catalogue; each list is asked for when it is first needed."""

    def __init__(self, remote: Remote, ours: Catalog) -> None:
        self._remote = remote
        self._ours = ours
        self._lists: dict[str, Rows] = {}

    def find(self, kind: str, our_id: str) -> str:
        """Remote id of a product, rate card or credit type; raises Refused with what to do."""
        finders: Mapping[str, Callable[[str], str]] = {
            "product": self._product,
            "rate_card": self._card,
            "credit_type": self._unit,
        }
        return finders[kind](our_id)

    def afresh(self) -> "Catalogue":
        """Another look."""
        return Catalogue(self._remote, self._ours)

    def product_like(self, product: Product) -> str | None:
        """The one product with that id, or else with that name and type; None without any."""
        listed = self._listed("product")
        if any(row["id"] == product.id for row in listed):
            return product.id
        named = [
            row
            for row in listed
            if _name(row) == product.name and _type(row) in ("", product.type.value)
        ]
        return _only(named, "product", product.name)

    def _product(self, product_id: str) -> str:
        product = self._ours.products.get(product_id)
        if product is None:
            raise Refused("the plan names a product the catalogue lacks", product=product_id)
        found = self.product_like(product)
        if found is None:
            raise Refused(
                f"the target has no {product.type.value} product named {product.name!r}; create it"
                " there, or give one of its products this name",
                product=product_id,
            )
        return found

    def _card(self, card_id: str) -> str:
        listed = self._listed("rate_card")
        if any(row["id"] == card_id for row in listed):
            return card_id
        card = self._ours.rate_cards.get(card_id)
        names = {card_id} if card is None else {alias.name for alias in card.aliases}
        aliased = [
            row
            for row in listed
            if names & {alias.get("name") for alias in row.get("aliases") or ()}
        ]
        found = _only(aliased, "rate card", ", ".join(sorted(names)))
        if found is None and card is not None:
            alike = [row for row in listed if row.get("name") == card.name]
            found = _only(alike, "rate card", card.name)
        if found is None:
            raise Refused(_lacking(card, names), rate_card=card_id)
        return found

    def _unit(self, unit_id: str) -> str:
        listed = self._listed("credit_type")
        if any(row["id"] == unit_id for row in listed):
            return unit_id
        unit = self._ours.credit_types.get(unit_id)
        name = unit_id if unit is None else unit.name
        found = _only([row for row in listed if row.get("name") == name], "credit type", name)
        if found is None:
            raise Refused(f"the target has no credit type named {name!r}; create it there")
        return found

    def _listed(self, kind: str) -> Rows:
        if kind not in self._lists:
            pricing = "/v1/contract-pricing"
            rows: Iterable[dict[str, Any]]
            if kind == "product":
                rows = self._remote.pages(
                    f"{pricing}/products/list", {"archive_filter": "NOT_ARCHIVED"}
                )
            elif kind == "rate_card":
                rows = self._remote.pages(f"{pricing}/rate-cards/list", {})
            else:
                rows = self._remote.pages("/v1/credit-types/list", None)
            self._lists[kind] = list(rows)
        return self._lists[kind]


def _lacking(card: RateCard | None, names: Iterable[str]) -> str:
    """What to do when no card is there."""
    told = " or ".join(repr(name) for name in sorted(names)) or "of ours"
    named = "" if card is None else f", or a card named {card.name!r}"
    return f"the target has no rate card with the alias {told}{named}; create it there"


def _only(rows: Rows, what: str, name: str) -> str | None:
    """The id of the one row; None for none, Refused for several."""
    if len(rows) > 1:
        raise Refused(
            f"the target has {len(rows)} of the {what} {name!r}; archive or rename all but one"
        )
    return str(rows[0]["id"]) if rows else None


def _name(row: Mapping[str, Any]) -> str:
    """A product's current name, wherever the version of the wire keeps it."""
    return str((row.get("current") or row).get("name", ""))


def _type(row: Mapping[str, Any]) -> str:
    """A product's type in our words; empty when it is not told."""
    found = str(row.get("type", "")).upper()
    return {"PRO_SERVICE": "PROFESSIONAL_SERVICE"}.get(found, found)
