"""Custom fields: keys first, then values (metronome.md 2.12; R364)."""

from collections.abc import Container, Mapping
from typing import Annotated, Any

from pydantic import Field

from closedwon.api.call import Call, Route
from closedwon.api.model import Key, Texts, Wire, one_of
from closedwon.api.paging import paged_body
from closedwon.engine.fields import ENTITIES
from closedwon.kernel.errors import NotFound
from closedwon.store.tokens import Scope

EntityField = Annotated[str, one_of(*sorted(ENTITIES))]
"""A kind of thing that may carry custom fields, by its wire name."""


class AddKey(Wire):
    """A key of a kind of entity."""

    entity: EntityField
    key: Key
    enforce_uniqueness: bool


class RemoveKey(Wire):
    """A key that goes, with every value it has."""

    entity: EntityField
    key: Key


class ListKeys(Wire):
    """Kinds whose keys are wanted; every one when none is named."""

    entities: list[EntityField] = []


class SetValues(Wire):
    """Values of one entity; keys not named keep theirs."""

    entity: EntityField
    entity_id: Key
    custom_fields: Texts


class DeleteValues(Wire):
    """Keys whose values one entity loses."""

    entity: EntityField
    entity_id: Key
    keys: Annotated[list[Key], Field(min_length=1)]


def add_key(call: Call, body: AddKey) -> None:
    """Allow a key."""
    unique = body.enforce_uniqueness
    call.engine.add_custom_field_key(body.entity, body.key, unique, call.now, call.by)


def remove_key(call: Call, body: RemoveKey) -> None:
    """Take a key away."""
    call.engine.remove_custom_field_key(body.entity, body.key, call.now, call.by)


def list_keys(call: Call, body: ListKeys) -> Any:
    """Keys by entity and name."""
    rows = [
        {"entity": entity, "key": key, "enforce_uniqueness": unique}
        for entity in (body.entities or sorted(ENTITIES))
        for key, unique in call.engine.custom_field_keys(entity).items()
    ]
    return paged_body(
        rows, call.page, lambda row: (str(row["entity"]), str(row["key"])), lambda row: row
    )


def set_values(call: Call, body: SetValues) -> None:
    """Set values, all or none; 404 for an unknown thing of a kind that has an id of its own."""
    _check_there(call, body.entity, body.entity_id)
    call.engine.set_custom_fields(
        body.entity, body.entity_id, body.custom_fields, call.now, call.by
    )


def delete_values(call: Call, body: DeleteValues) -> None:
    """Take values away."""
    _check_there(call, body.entity, body.entity_id)
    call.engine.delete_custom_fields(body.entity, body.entity_id, body.keys, call.now, call.by)


def _check_there(call: Call, entity: str, entity_id: str) -> None:
    """Raise NotFound; terms inside contracts and packages are not looked for."""
    catalog = call.engine.catalog()
    match entity:
        case "customer":
            call.engine.customer(entity_id)
        case "contract":
            call.engine.contract(entity_id)
        case _:
            known: Mapping[str, Container[str]] = {
                "billable_metric": catalog.metrics,
                "contract_product": catalog.products,
                "rate_card": catalog.rate_cards,
            }
            if entity in known and entity_id not in known[entity]:
                raise NotFound(f"no such {entity}", **{entity: entity_id})


def _route(verb: str, scope: Scope, do: Any, body: type[Wire]) -> Route:
    path = f"/v1/customFields/{verb}"
    return Route(
        method="POST", path=path, scope=scope, do=do, body=body, is_paged=scope is Scope.READ
    )


ROUTES = (
    _route("addKey", Scope.WRITE, add_key, AddKey),
    _route("removeKey", Scope.WRITE, remove_key, RemoveKey),
    _route("listKeys", Scope.READ, list_keys, ListKeys),
    _route("setValues", Scope.WRITE, set_values, SetValues),
    _route("deleteValues", Scope.WRITE, delete_values, DeleteValues),
)
