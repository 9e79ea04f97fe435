"""The part of ``Engine`` that keeps what is told beside the bill: custom fields, schedules."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.named_schedules import NamedSchedule, NamedSegment
from closedwon.engine import archiving, customers, fields, named_schedules
from closedwon.engine.command import API, Author
from closedwon.store.stores import Stores


class Recording:
    """Custom fields (R364), named schedules and archiving; ``Engine`` has them all."""

    stores: Stores

    @abstractmethod
    def catalog(self) -> Catalog:
        """Metrics, products, rate cards and credit types by id."""

    def add_custom_field_key(
        self,
        entity: str,
        key: str,
        enforce_uniqueness: bool,  # noqa: FBT001 the wire's own argument
        now: datetime,
        by: str = API,
    ) -> None:
        """Allow a custom field key on a kind of entity (R364)."""
        fields.add_key(
            self.stores, entity, key, enforce_uniqueness=enforce_uniqueness, by=by, now=now
        )

    def ensure_custom_field_keys(
        self, entity: str, keys: Iterable[str], now: datetime, by: str = API
    ) -> None:
        """Allow every key that is not known yet, without uniqueness."""
        fields.ensure_keys(self.stores, entity, keys, by=by, now=now)

    def remove_custom_field_key(self, entity: str, key: str, now: datetime, by: str = API) -> None:
        """Take a key away, with every value it has (R364)."""
        fields.remove_key(self.stores, entity, key, by=by, now=now)

    def custom_field_keys(self, entity: str) -> Mapping[str, bool]:
        """Keys of a kind of entity; True where values must be unique."""
        return self.stores.custom_fields.keys(entity)

    def set_custom_fields(
        self,
        entity: str,
        entity_id: str,
        values: Mapping[str, str],
        now: datetime,
        by: str = API,
    ) -> None:
        """Set values of one entity, all or nothing; keys not named keep theirs."""
        fields.set_values(self.stores, entity, entity_id, values, by=by, now=now)

    def delete_custom_fields(
        self, entity: str, entity_id: str, keys: Iterable[str], now: datetime, by: str = API
    ) -> None:
        """Take values of one entity away; a key it has no value for changes nothing."""
        author = Author(by=by, now=now)
        fields.delete_values(self.stores, entity, entity_id, tuple(keys), author)

    def custom_fields(self, entity: str, entity_id: str) -> Mapping[str, str]:
        """Current values by key."""
        return self.stores.custom_fields.of(entity, [entity_id]).get(entity_id, {})

    def update_named_schedule(
        self,
        about: tuple[str, str],
        name: str,
        segment: NamedSegment,
        author: Author,
        properties: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Set a named schedule's value over a window; ``about`` is (kind, id) of its owner.

        Kinds are customer, contract and rate_card (metronome.md 2.3). ``properties`` tell schedules
        of one name apart.
        """
        key = (name, properties)
        named_schedules.update(self.stores, self.catalog(), about, key, (segment, author))

    def named_schedule(
        self,
        about: tuple[str, str],
        name: str,
        covering: datetime | None = None,
        properties: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[NamedSegment, ...]:
        """Segments of a named schedule by start; only the one at ``covering`` when given."""
        return named_schedules.read(self.stores, about, (name, properties), covering)

    def named_schedules(self, about: tuple[str, str]) -> tuple[NamedSchedule, ...]:
        """Every named schedule of an owner, by name and properties."""
        names = self.stores.named_schedules.names(*about)
        return tuple(
            NamedSchedule(
                name=name,
                properties=properties,
                segments=self.named_schedule(about, name, None, properties),
            )
            for name, properties in names
        )

    def rename_customer(self, customer_id: str, name: str, now: datetime, by: str = API) -> None:
        """Give a customer another name."""
        customers.rename(self.stores, customer_id, name, Author(by=by, now=now))

    def link_account(
        self, customer_id: str, account_id: str | None, now: datetime, by: str = API
    ) -> None:
        """Say which CRM account a customer is; None for none. A taken one is a Conflict."""
        customers.link_account(self.stores, customer_id, account_id, Author(by=by, now=now))

    def archive_customer(self, customer_id: str, now: datetime, by: str = API) -> None:
        """Archive a customer with its contracts and balances, for good (R125)."""
        author = Author(by=by, now=now)
        archiving.archive_customer(self.stores, self.catalog(), customer_id, author)
