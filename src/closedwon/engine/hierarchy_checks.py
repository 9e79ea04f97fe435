"""Which hierarchies can stand (R301, R303); the place of a contract is fixed when it is created."""

from closedwon.billing.contracts.edits import Create
from closedwon.kernel.errors import NotFound, Refused
from closedwon.store.stores import Stores

NODES_MAX = 10
"""A parent and its active children (R301)."""


def check_place(stores: Stores, wanted: Create) -> None:
    """Raise Refused for a second level, an eleventh node, or a parent that cannot be one (R301)."""
    place = wanted.settings.hierarchy
    parent = None if place is None else place.parent
    if parent is None:
        return
    contract = stores.contracts.get(parent.contract_id)
    if contract is None or contract.customer_id != parent.customer_id:
        raise NotFound("no such parent contract of this customer", contract=parent.contract_id)
    if contract.archived_at is not None:
        raise Refused("an archived contract cannot be a parent", contract=contract.id)
    above = contract.settings.hierarchy
    if above is not None and above.parent is not None:
        raise Refused("a hierarchy has one level (R301)", contract=contract.id)
    children = stores.families.children(parent.customer_id, parent.contract_id)
    if len(children) + 2 > NODES_MAX:
        raise Refused(f"a hierarchy has at most {NODES_MAX} nodes (R301)", contract=contract.id)
