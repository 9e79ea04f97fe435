"""What to read from the CRM for a mapping: objects, links, fields; derived from its expressions."""

import msgspec


class ChildSource(msgspec.Struct, frozen=True, kw_only=True):
    """Child rows of a deal: ``link`` (a field of ``object_name``) equals ``parent``.

    ``parent`` is ``<name>.<field>`` with name ``deal`` (the root record) or an earlier child, e.g.
    quote: link ``Id``, parent ``deal.SBQQ__PrimaryQuote__c``; lines: link ``SBQQ__Quote__c``,
    parent ``quote.Id``.
    """

    name: str
    object_name: str
    link: str
    parent: str
    to_root: str
    """Path from a row to the root record's id, e.g. ``SBQQ__Quote__r.SBQQ__Opportunity2__c``."""
    fields: tuple[str, ...]
    """Dotted paths read, sorted; always with Id and SystemModstamp."""
    order_by: str = "Id"


class DealSource(msgspec.Struct, frozen=True, kw_only=True):
    """The SOQL side of a mapping; the one description poll, assemble and backfill share."""

    root: str
    """Root object, ``Opportunity``."""
    trigger: str
    """SOQL condition on the root: which records are closed-won deals."""
    closed_on: str = "CloseDate"
    """Date field that backfill's --from and --to compare."""
    fields: tuple[str, ...]
    children: tuple[ChildSource, ...]
