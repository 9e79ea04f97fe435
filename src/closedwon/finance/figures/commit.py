"""Meter_Commit__c and Meter_Commit_Period__c: balances and their access windows."""

from collections.abc import Iterator

from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.finance.figures.picture import Picture
from closedwon.finance.figures.row import COMMIT, PERIOD, WantedRow, compact, parent
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import wire_instant

TYPES = {
    CommitKind.PREPAID: "Prepaid",
    CommitKind.POSTPAID: "Postpaid",
    CommitKind.CREDIT: "Credit",
}


def commit_rows(picture: Picture) -> Iterator[WantedRow]:
    """One row per balance. ``Balance__c`` is what can be drawn now (R195)."""
    for commit in picture.bill.commits:
        balances = picture.balances_of(commit)
        contract = picture.contract_of(commit)
        origin = commit.rolled_over_from
        product = picture.catalog.products.get(commit.product_id)
        source = commit.source
        unit = commit.access_credit_type_id
        fraction = commit.rollover_fraction
        ends = [segment.window.end for segment in commit.segments]
        fields = compact(
            Environment__c=picture.environment,
            Contract__r=parent(None if contract is None else picture.key(contract.id)),
            Opportunity__c=None if source is None else source.opportunity_id,
            Quote_Line_Id__c=source.line_ids[0] if source and source.line_ids else None,
            Type__c=TYPES[commit.kind],
            Currency__c=picture.currency(unit),
            Product__c=product.name if product else None,
            Priority__c=commit.priority,
            Access_Amount__c=picture.money(sum((b.granted for b in balances), ZERO), unit),
            Used__c=picture.money(sum((b.used for b in balances), ZERO), unit),
            Expired__c=picture.money(sum((b.expired for b in balances), ZERO), unit),
            Balance__c=picture.money(
                sum((b.remaining for b in balances if b.is_active), ZERO), unit
            ),
            Access_Start__c=wire_instant(min(s.window.start for s in commit.segments)),
            Access_End__c=wire_instant(max(e for e in ends if e)) if all(ends) else None,
            Rollover_Percent__c=None if fraction is None else fraction * 100,
            Rolled_From__r=parent(None if origin is None else picture.key(origin.commit_id)),
        )
        yield WantedRow(
            key=picture.key(commit.id),
            object_name=COMMIT,
            fields=fields,
            late=origin is not None,
            opportunity_id=None if source is None else source.opportunity_id,
        )


def period_rows(picture: Picture) -> Iterator[WantedRow]:
    """One row per access segment of what is paid (R200); same days are told apart by a number."""
    for commit in picture.bill.commits:
        balances = {balance.segment_id: balance for balance in picture.balances_of(commit)}
        for key, segment_id in _keys(commit).items():
            segment = next(s for s in commit.segments if s.id == segment_id)
            balance = balances.get(segment_id)
            if balance is None:
                continue
            unit = commit.access_credit_type_id
            end = segment.window.end
            fields = compact(
                Environment__c=picture.environment,
                Commit__r=parent(picture.key(commit.id)),
                Start__c=wire_instant(segment.window.start),
                End__c=None if end is None else wire_instant(end),
                Granted__c=picture.money(balance.granted, unit),
                Used__c=picture.money(balance.used, unit),
                Remaining__c=picture.money(balance.remaining, unit),
            )
            yield WantedRow(
                key=picture.key(key),
                object_name=PERIOD,
                fields=fields,
                opportunity_id=None if commit.source is None else commit.source.opportunity_id,
            )


def _keys(commit: Commit) -> dict[str, str]:
    """Segment id by ``{commit}:{yyyymmdd}`` of its start."""
    found: dict[str, str] = {}
    for segment in commit.segments:
        key = f"{commit.id}:{segment.window.start:%Y%m%d}"
        number = sum(known.startswith(key) for known in found)
        found[f"{key}:{number + 1}" if number else key] = segment.id
    return found
