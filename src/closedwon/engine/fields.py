"""Custom fields: keys first, then values, all or nothing (R364)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from closedwon.engine.command import Author, command
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.store.stores import Stores

VALUE_LENGTH_MAX = 200
ENTITIES = frozenset(
    {
        "alert",
        "billable_metric",
        "charge",
        "commit",
        "contract",
        "contract_credit",
        "contract_product",
        "credit_grant",
        "customer",
        "customer_plan",
        "discount",
        "invoice",
        "package_commit",
        "package_credit",
        "package_scheduled_charge",
        "package_subscription",
        "plan",
        "product",
        "professional_service",
        "rate_card",
        "scheduled_charge",
        "subscription",
    }
)
"""Kinds of things that may carry custom fields, by their wire names (metronome.md 2.12)."""


def add_key(
    stores: Stores, entity: str, key: str, *, enforce_uniqueness: bool, by: str, now: datetime
) -> None:
    """Allow a key on a kind of entity; again the same changes nothing."""
    with command(stores, "add_key", ("custom_field_key", f"{entity}.{key}"), by=by, now=now) as run:
        if entity not in ENTITIES:
            raise Refused(f"no entity {entity!r}; one of {', '.join(sorted(ENTITIES))}")
        if not key:
            raise Refused("a custom field key must not be empty", entity=entity)
        known = stores.custom_fields.keys(entity)
        if known.get(key, enforce_uniqueness) != enforce_uniqueness:
            raise Conflict("the key exists with another uniqueness", entity=entity, key=key)
        if key not in known:
            stores.custom_fields.add_key(
                entity, key, enforce_uniqueness=enforce_uniqueness, now=now
            )
            run.changed = True


def ensure_keys(
    stores: Stores, entity: str, keys: Iterable[str], *, by: str, now: datetime
) -> None:
    """Allow every key that is not known yet, without uniqueness."""
    known = stores.custom_fields.keys(entity)
    for key in keys:
        if key not in known:
            add_key(stores, entity, key, enforce_uniqueness=False, by=by, now=now)


def remove_key(stores: Stores, entity: str, key: str, *, by: str, now: datetime) -> None:
    """Take a key away from a kind of entity, with every value it has; raises NotFound (R364)."""
    with command(
        stores, "remove_key", ("custom_field_key", f"{entity}.{key}"), by=by, now=now
    ) as run:
        if key not in stores.custom_fields.keys(entity):
            raise NotFound("no such custom field key", entity=entity, key=key)
        stores.custom_fields.remove_key(entity, key)
        run.changed = True


def delete_values(
    stores: Stores, entity: str, entity_id: str, keys: tuple[str, ...], author: Author
) -> None:
    """Take values of one entity away, all or nothing; raises Refused for an unknown key (R364)."""
    what = (entity, entity_id)
    with command(stores, "delete_custom_fields", what, by=author.by, now=author.now) as running:
        unknown = sorted(set(keys) - stores.custom_fields.keys(entity).keys())
        if unknown:
            raise Refused("unknown custom field key", entity=entity, key=", ".join(unknown))
        running.changed = stores.custom_fields.delete(entity, entity_id, keys) > 0


def set_values(
    stores: Stores,
    entity: str,
    entity_id: str,
    fields: Mapping[str, str],
    *,
    by: str,
    now: datetime,
) -> None:
    """Set values of one entity; keys not named keep theirs."""
    with command(stores, "set_custom_fields", (entity, entity_id), by=by, now=now) as running:
        check_fields(stores, entity, entity_id, fields)
        current = stores.custom_fields.of(entity, [entity_id]).get(entity_id, {})
        if {**current, **fields} != current:
            stores.custom_fields.set(entity, entity_id, fields)
            running.changed = True


def check_fields(stores: Stores, entity: str, entity_id: str, fields: Mapping[str, str]) -> None:
    """Raise Refused for an unknown key or a long value, Conflict for a value that is taken."""
    if not fields:
        return
    known = stores.custom_fields.keys(entity)
    for key, value in fields.items():
        if key not in known:
            raise Refused(
                "unknown custom field key; add it first",
                entity=entity,
                key=key,
                known=", ".join(known) or "none",
            )
        if len(value) > VALUE_LENGTH_MAX:
            raise Refused(f"a custom field holds {VALUE_LENGTH_MAX} characters", key=key)
        holder = stores.custom_fields.holder(entity, key, value) if known[key] else None
        if holder not in (None, entity_id):
            raise Conflict("the value is taken", entity=entity, key=key, holder=str(holder))
