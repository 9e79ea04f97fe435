"""Parents, children and what they share (metronome.md 2.7; R301-R305)."""

from enum import StrEnum

import msgspec

from closedwon.kernel.errors import Refused


class AccessType(StrEnum):
    """Which children may draw a parent's balance (R302)."""

    ALL = "ALL"
    NONE = "NONE"
    CONTRACT_IDS = "CONTRACT_IDS"


class ChildAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Who besides its own contract may draw a balance; nobody unless said otherwise (R302)."""

    type: AccessType = AccessType.NONE
    contract_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.type is AccessType.CONTRACT_IDS) != bool(self.contract_ids):
            raise Refused("contract_ids go with CONTRACT_IDS, and only with it (R302)")

    def allows(self, contract_id: str) -> bool:
        """Whether the child contract may draw."""
        return self.type is AccessType.ALL or contract_id in self.contract_ids


class Payer(StrEnum):
    """Who pays a child's invoices (R303)."""

    SELF = "SELF"
    PARENT = "PARENT"


class StatementBehavior(StrEnum):
    """Whether a child's usage invoice joins its parent's (R303, R304)."""

    SEPARATE = "SEPARATE"
    CONSOLIDATE = "CONSOLIDATE"


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A contract and its customer, as one side of a hierarchy."""

    customer_id: str
    contract_id: str


class Hierarchy(msgspec.Struct, frozen=True, kw_only=True):
    """A contract's place: a child names its parent, a parent how it joins invoices (R301)."""

    parent_contract_id: str | None = None
    parent_customer_id: str | None = None
    payer: Payer = Payer.SELF
    statement: StatementBehavior = StatementBehavior.SEPARATE
    concatenates: bool = False
    """Parents only: invoice_consolidation_type CONCATENATE (R304)."""

    @property
    def parent(self) -> Party | None:
        """The parent contract; None for a parent."""
        if self.parent_contract_id is None or self.parent_customer_id is None:
            return None
        return Party(customer_id=self.parent_customer_id, contract_id=self.parent_contract_id)

    def __post_init__(self) -> None:
        if self.statement is StatementBehavior.CONSOLIDATE and self.payer is not Payer.PARENT:
            raise Refused("CONSOLIDATE needs payer PARENT (R303)")
        if (self.parent_contract_id is None) != (self.parent_customer_id is None):
            raise Refused("a parent is a contract and its customer (R301)")
        if self.parent_contract_id is None and self.payer is Payer.PARENT:
            raise Refused("payer PARENT needs a parent (R303)")
