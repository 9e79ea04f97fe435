"""The audit log: v1.audit_logs."""

from datetime import timedelta
from typing import Any

from api.sdk.casing import Paging, does, pages, refuses
from api.sdk.world import NOW, World


@does("v1.audit_logs.list")
def lists_what_was_done_to_one_thing(world: World) -> None:
    customer = world.customer()
    world.sdk.v1.customers.set_name(customer_id=customer, name=world.name())
    about: dict[str, Any] = {"resource_type": "customer", "resource_id": customer}
    today = {"starting_on": NOW, "ending_before": NOW + timedelta(days=1)}

    page = world.sdk.v1.audit_logs.list(**about)
    rows = page.data
    assert [(row.action, row.status) for row in rows] == [
        ("create", "success"),
        ("rename", "success"),
    ]
    assert {(row.resource_type, row.resource_id) for row in rows} == {("customer", customer)}
    assert {row.timestamp for row in rows} == {NOW}
    first = world.sdk.v1.audit_logs.list(**about, sort="date_asc", limit=1)
    assert [*first.data, *first.get_next_page().data] == rows
    newest_first = world.sdk.v1.audit_logs.list(**about, sort="date_desc", limit=2)
    assert ([*newest_first], newest_first.next_page) == (rows[::-1], None)
    assert page.next_page
    later = world.sdk.v1.audit_logs.list(**about, next_page=page.next_page)
    assert (later.data, later.next_page) == ([], page.next_page)
    assert world.sdk.v1.audit_logs.list(**about, **today).data == rows
    assert world.sdk.v1.audit_logs.list(**about, ending_before=NOW).data == []


@refuses("v1.audit_logs.list", 400, "both or neither")
def does_not_take_an_id_without_its_type(world: World) -> None:
    world.sdk.v1.audit_logs.list(resource_id=world.settled)


@pages("v1.audit_logs.list")
def pages_of_audit_rows(world: World) -> Paging:
    customer = world.customer()
    for _ in range(2):
        world.sdk.v1.customers.set_name(customer_id=customer, name=world.name())

    def asked(**fields: Any) -> Any:
        return world.sdk.v1.audit_logs.list(
            resource_type="customer", resource_id=customer, sort="date_desc", **fields
        )

    return Paging(asked=asked, key=lambda row: row.id)
