"""The edit a changed deal asks of the contract it is on."""

from closedwon.billing.contracts.edits import Amend, Create, Revise
from closedwon.billing.contracts.state import Contract
from closedwon.deals.diff import Difference
from closedwon.deals.terms import all_terms


def revision(contract: Contract, wanted: Create | Amend, found: Difference) -> Revise | None:
    """The edit that brings the difference; None when there is nothing to bring."""
    name = wanted.name if isinstance(wanted, Create) and wanted.name != contract.name else None
    fields = {
        key: text
        for key, text in wanted.custom_fields.items()
        if contract.custom_fields.get(key) != text
    }
    if found.is_empty and name is None and not fields:
        return None
    return Revise(
        add=found.add,
        replace=found.replace,
        remove_ids=tuple(term.id for term in all_terms(found.removed)),
        name=name,
        custom_fields=fields,
    )


def end_moved(contract: Contract, wanted: Create) -> bool:
    """A contract that another one follows ends where that one begins, whatever the deal says."""
    return contract.followed_by is None and contract.term.end != wanted.term.end


def told(found: Difference) -> str:
    """How many terms change, for people."""
    counts = {
        "added": len(all_terms(found.add)),
        "changed": len(all_terms(found.replace)),
        "removed": len(all_terms(found.removed)),
    }
    told = [f"{count} {word}" for word, count in counts.items() if count]
    return "terms " + ", ".join(told) if told else "another end date"
