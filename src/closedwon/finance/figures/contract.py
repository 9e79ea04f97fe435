"""Meter_Contract__c: a contract, what was committed and what became of it."""

from collections.abc import Iterator
from datetime import datetime

from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import CommitKind
from closedwon.finance.figures.burn import BURN_DAYS, per_day
from closedwon.finance.figures.picture import Picture
from closedwon.finance.figures.row import CONTRACT, WantedRow, compact, parent
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import wire_instant


def contract_rows(picture: Picture) -> Iterator[WantedRow]:
    """One row per contract. ``Remaining__c`` counts segments that begin later too."""
    for contract in picture.account.contracts:
        promised = [c for c in picture.commits_of(contract) if c.kind is not CommitKind.CREDIT]
        balances = [b for commit in promised for b in picture.balances_of(commit)]
        own = [i for i in picture.usage_invoices if i.contract_id == contract.id]
        burn = per_day(own, picture.now) * BURN_DAYS
        opportunity = _opportunity(contract)
        card = picture.catalog.rate_cards.get(contract.rate_card_id or "")
        unit = picture.fiat_id
        end = contract.term.end
        fields = compact(
            Environment__c=picture.environment,
            Customer__r=parent(picture.customer_key),
            Opportunity__c=opportunity,
            Contract_Id__c=contract.id,
            Name__c=contract.name or None,
            Rate_Card__c=card.name if card else None,
            Starting_At__c=wire_instant(contract.term.start),
            Status__c=_status(contract, picture.now),
            Committed_Total__c=picture.money(sum((b.granted for b in balances), ZERO), unit),
            Consumed_Total__c=picture.money(sum((b.used for b in balances), ZERO), unit),
            Remaining__c=picture.money(sum((b.remaining for b in balances), ZERO), unit),
            Burn_Rate_30d__c=picture.money(burn, unit),
        )
        fields["Ending_Before__c"] = None if end is None else wire_instant(end)
        yield WantedRow(
            key=picture.key(contract.id),
            object_name=CONTRACT,
            fields=fields,
            opportunity_id=opportunity,
        )


def _opportunity(contract: Contract) -> str | None:
    """The deal that created the contract: the source of its first term that has one."""
    sources = [
        *(commit.source for commit in contract.commits),
        *(override.source for override in contract.overrides),
        *(charge.source for charge in contract.charges),
    ]
    found = [source.opportunity_id for source in sources if source is not None]
    return contract.custom_fields.get("sfdc_opportunity_id") or next(iter(found), None)


def _status(contract: Contract, now: datetime) -> str:
    if contract.archived_at is not None:
        return "Archived"
    return "Active" if now < contract.term.until else "Ended"
