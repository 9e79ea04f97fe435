"""Mapping files as the steps use them: which one is in force, and the facts they are given."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import Create
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.types import InvoiceStatus, InvoiceType
from closedwon.deals.mapping import (
    DealMapping,
    MappingFacts,
    RateCardFact,
    load_mapping,
    map_deal,
)
from closedwon.deals.plan import PlanFacts, plan, withdrawn
from closedwon.deals.types import Deal, Plan, Record, Rejected, Terms
from closedwon.engine import Engine
from closedwon.formula.schema import Schema
from closedwon.kernel.errors import ConfigError, NotFound
from closedwon.store.line import LineStore
from closedwon.wiring.places import share

T = TypeVar("T")


class LookedUp(Mapping[str, T]):
    """A mapping that asks for each key when it is needed; it cannot be listed."""

    def __init__(self, find: Callable[[str], T]) -> None:
        self._find = find

    def __getitem__(self, key: str) -> T:
        return self._find(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def read_mapping(path: Path, schema: Schema) -> DealMapping:
    """Load a mapping file with the CSV files under ``tables/`` beside it.

    Raises MappingError with every problem, ConfigError when the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tables = {
            file.name: file.read_text(encoding="utf-8")
            for file in sorted((path.parent / "tables").glob("*.csv"))
        }
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the mapping {path}: {error}") from error
    return load_mapping(text, _told(path), schema, tables)


def _told(path: Path) -> str:
    """The file's name in places and messages: short for shipped ones, else as it was given."""
    return str(path.relative_to(share())) if path.is_relative_to(share()) else str(path)


def builtin_schema() -> Schema:
    """Standard and CPQ objects with our package and its twin fields, as the dev org has them."""
    from closedwon.devorg.schema import org_schema  # noqa: PLC0415 only for work offline

    return org_schema(share() / "salesforce").for_formulas


class Mappings:
    """The mappings of a run; all of them read the same root with the same children."""

    def __init__(self, loaded: tuple[DealMapping, ...]) -> None:
        self.newest = loaded[0]
        self._by_start = sorted(loaded, key=lambda one: one.effective_from or date.min)
        for mapping in loaded:
            if mapping.source != self.newest.source:
                raise ConfigError(
                    f"{mapping.file} reads other records than {self.newest.file};"
                    " mappings used together must have one source"
                )

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions of every loaded file."""
        return tuple(mapping.version for mapping in self._by_start)

    def in_force(self, record: Record) -> DealMapping:
        """The mapping for a deal's close date: the last one that was effective by then."""
        closed = str(record.get(self.newest.source.closed_on) or "")[:10]
        on = date.fromisoformat(closed) if closed else date.max
        fitting = [one for one in self._by_start if (one.effective_from or date.min) <= on]
        return fitting[-1] if fitting else self._by_start[0]

    def fingerprint(self, record: Record, children: Mapping[str, tuple[Record, ...]]) -> str:
        """Fingerprint under the mapping in force."""
        return self.in_force(record).fingerprint(record, children)


class DealWork:
    """What the steps ask about a deal; facts come from engine and store."""

    def __init__(self, mappings: Mappings, engine: Engine, store: LineStore) -> None:
        self._mappings = mappings
        self._engine = engine
        self._store = store
        self._facts: tuple[Catalog, MappingFacts] | None = None

    def terms_of(self, deal: Deal, now: datetime) -> tuple[str, Terms | Rejected]:
        """Version of the mapping in force, and what it makes of the deal."""
        mapping = self._mappings.in_force(deal.record)
        return mapping.version, map_deal(mapping, deal, self.facts(now))

    def plan_of(self, deal: Deal, terms: Terms, _now: datetime) -> Plan:
        """Terms minus what billing has."""
        return plan(deal, terms, self._plan_facts(deal, terms))

    def withdrawn(self, deal: Deal, terms: Terms, _now: datetime) -> Plan:
        """What a person must know of a deal that is no longer won."""
        return withdrawn(deal, terms, self._plan_facts(deal, terms))

    def exists(self, contract_id: str) -> bool:
        """Whether billing has the contract."""
        return self._engine.digest(contract_id) != ""

    def facts(self, now: datetime) -> MappingFacts:
        """What the mapping may know; catalogue facts are made once per catalogue."""
        catalog = self._engine.catalog()
        if self._facts is None or self._facts[0] is not catalog:
            self._facts = (catalog, self._catalog_facts(catalog, now))
        known = self._facts[1]
        return MappingFacts(
            org_id=self._store.watermarks.org_id() or known.org_id,
            as_of=now,
            product_ids=known.product_ids,
            tags=known.tags,
            rate_cards=known.rate_cards,
            contract_of=LookedUp(self._contract_of),
            contract_ends=LookedUp(self._contract_end),
            contracts=LookedUp(self._contract),
            catalog=known.catalog,
            credit_types=known.credit_types,
        )

    def _catalog_facts(self, catalog: Catalog, now: datetime) -> MappingFacts:
        currencies = {kind.id: kind.currency for kind in catalog.credit_types.values()}
        products = catalog.products.values()
        return MappingFacts(
            org_id="",
            as_of=now,
            product_ids=frozenset(catalog.products),
            catalog=catalog,
            tags=frozenset(tag for p in products for version in p.versions for tag in version.tags),
            rate_cards={
                alias.name: RateCardFact(
                    id=card.id, currency=currencies.get(card.fiat_credit_type_id) or "USD"
                )
                for card in catalog.rate_cards.values()
                for alias in card.aliases
                if alias.window.covers(now)
            },
            credit_types={
                kind.currency: kind.id for kind in catalog.credit_types.values() if kind.currency
            },
        )

    def _contract_of(self, opportunity_id: str) -> str:
        row = self._store.deals.find(opportunity_id)
        if row is None or row.contract_id is None:
            raise KeyError(opportunity_id)
        return row.contract_id

    def _contract_end(self, contract_id: str) -> datetime | None:
        return self._contract(contract_id).term.end

    def _contract(self, contract_id: str) -> Contract:
        try:
            return self._engine.contract(contract_id)
        except NotFound as error:
            raise KeyError(contract_id) from error

    def _plan_facts(self, deal: Deal, terms: Terms) -> PlanFacts:
        engine = self._engine
        customer = engine.customer_of_account(terms.customer.account_id)
        contract = engine.contract(terms.contract_id) if self.exists(terms.contract_id) else None
        followed = None
        if isinstance(terms.contract, Create) and terms.contract.transition is not None:
            followed_id = terms.contract.transition.from_contract_id
            followed = engine.contract(followed_id) if self.exists(followed_id) else None
        final = engine.invoices(contract_id=terms.contract_id, status=InvoiceStatus.FINALIZED)
        ends = [i.end for i in final if i.type is InvoiceType.USAGE and i.end is not None]
        return PlanFacts(
            customer=customer,
            contract=contract,
            followed=followed,
            finalized_through=max(ends, default=None),
            product_ids=frozenset(engine.catalog().products),
            catalog=engine.catalog(),
            policies=self._mappings.in_force(deal.record).policies,
            base=engine.digest(terms.contract_id),
        )
