"""Whether a CPQ quote was read between two saves of its editor (salesforce.md 7.3).

Only fields the mapping reads are looked at: an org without CPQ, or a mapping that does not care
for totals, is not held up.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from closedwon.deals.source import ChildSource
from closedwon.deals.types import Record

QUOTE = "SBQQ__Quote__c"
LINE = "SBQQ__QuoteLine__c"
LINE_TOTALS = {"SBQQ__NetTotal__c", "SBQQ__Optional__c"}
TOTALS = {"SBQQ__LineItemCount__c", "SBQQ__NetAmount__c"}
CENT = Decimal("0.01")


def half_saved(children: Sequence[ChildSource], rows: Mapping[str, Sequence[Record]]) -> str | None:
    """Why the quotes among ``rows`` cannot be trusted yet; None when they can."""
    for source in children:
        if source.object_name != QUOTE:
            continue
        lines = next((c for c in children if _is_line_of(c, source)), None)
        for quote in rows[source.name]:
            reason = _reason(source, quote, lines, rows)
            if reason:
                return f"quote {quote['Id']} {reason}"
    return None


def _is_line_of(child: ChildSource, quote: ChildSource) -> bool:
    return child.object_name == LINE and child.parent == f"{quote.name}.Id"


def _reason(
    source: ChildSource,
    quote: Record,
    lines_source: ChildSource | None,
    rows: Mapping[str, Sequence[Record]],
) -> str | None:
    if "SBQQ__Uncalculated__c" in source.fields and quote["SBQQ__Uncalculated__c"] is True:
        return "is not calculated"
    if lines_source is None or TOTALS.isdisjoint(source.fields):
        return None
    lines = [row for row in rows[lines_source.name] if row[lines_source.link] == quote["Id"]]
    if "SBQQ__LineItemCount__c" in source.fields:
        expected = quote["SBQQ__LineItemCount__c"]
        if expected is not None and expected != len(lines):
            return f"has {len(lines)} lines, its count says {expected}"
    if "SBQQ__NetAmount__c" in source.fields and set(lines_source.fields) >= LINE_TOTALS:
        return _off(quote["SBQQ__NetAmount__c"], lines)
    return None


def _off(expected: Decimal | None, lines: Sequence[Record]) -> str | None:
    if expected is None:
        return None
    counted = [line for line in lines if line["SBQQ__Optional__c"] is not True]
    total = sum((Decimal(line["SBQQ__NetTotal__c"] or 0) for line in counted), Decimal(0))
    if abs(total - expected) > CENT * max(len(lines), 1):
        return f"has lines of {total} in all, its amount says {expected}"
    return None
