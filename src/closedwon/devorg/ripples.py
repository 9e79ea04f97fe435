"""What saving one record does to others: roll-ups of parents, amounts, history (S 3.4).

A parent's SystemModstamp moves only when one of its sums really changes; formulas never move it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from closedwon.devorg.field_values import pointed
from closedwon.devorg.reading import Reading
from closedwon.devorg.record_ids import numbered_id
from closedwon.devorg.schema import ObjectInfo
from closedwon.devorg.storage import DELETED, SYSTEM_MODSTAMP, Storage, Stored

TRACKED = ("StageName", "Amount", "CloseDate", "OwnerId", "SBQQ__PrimaryQuote__c")
"""Opportunity fields whose changes leave a row in OpportunityFieldHistory."""

Shares = dict[tuple[str, str], Any]
"""(parent id, roll-up field) -> what one record adds to it."""


class Ripples:
    """Spreads once a record is saved; ``old`` is empty for a new one, ``new`` for a deleted one."""

    def __init__(
        self,
        storage: Storage,
        reading: Reading,
        info: ObjectInfo,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
    ) -> None:
        self._storage = storage
        self._reading = reading
        self._info = info
        self._old = old
        self._new = new

    def spread(self, stamp: str, user_id: str) -> None:
        """Bring parents up to date now that the record is saved."""
        before, after = self._shares(self._old), self._shares(self._new)
        for parent_id in {key[0] for key in {*before, *after} if before.get(key) != after.get(key)}:
            self._touch(parent_id, stamp, {})
        if self._info.name == "OpportunityLineItem":
            for opportunity_id in self._parents("OpportunityId"):
                self._total(opportunity_id, stamp, user_id)
        if self._info.name == "Opportunity" and self._old and self._new:
            self._keep_history(self._old, self._new, stamp, user_id)

    def _shares(self, values: Mapping[str, Any]) -> Shares:
        """What a version of the record adds to the roll-ups of its parents; zeros left out."""
        found: Shares = {}
        if not values or values[DELETED]:
            return found
        stored = Stored(0, self._storage.object_code(self._info.name), dict(values))
        record = self._reading.again().wrap(stored)
        for _, field in self._storage.schema.summaries.get(self._info.name, ()):
            summary = field.summary
            assert summary is not None
            parent_id = values.get(summary.link)
            if parent_id is None or (summary.unless and record[summary.unless]):
                continue
            share = record[summary.field] if summary.field else 1
            if share:
                found[parent_id, field.name] = share
        return found

    def _parents(self, link: str) -> set[str]:
        return {values[link] for values in (self._old, self._new) if values.get(link)}

    def _total(self, opportunity_id: str, stamp: str, user_id: str) -> None:
        """Amount and HasOpportunityLineItem follow the products."""
        stored = self._storage.get(opportunity_id)
        if stored is None or stored.values[DELETED]:
            return
        field = self._info.fields["OpportunityId"]
        rows = self._storage.linked(self._info.name, field, opportunity_id)
        has_products = bool(rows)
        amount = stored.values.get("Amount")
        if has_products:
            prices = [row.values.get("TotalPrice") or Decimal(0) for row in rows]
            amount = pointed(sum(prices, Decimal(0)))
        changed = {
            name: value
            for name, value in (("Amount", amount), ("HasOpportunityLineItem", has_products))
            if stored.values.get(name, False if name != "Amount" else None) != value
        }
        if changed:
            info = self._storage.object_of(stored)
            self._touch(opportunity_id, stamp, changed)
            self._keep_history(stored.values, {**stored.values, **changed}, stamp, user_id, info)

    def _touch(self, record_id: str, stamp: str, changed: Mapping[str, Any]) -> None:
        stored = self._storage.get(record_id)
        if stored is not None and not stored.values[DELETED]:
            values = {**stored.values, **changed, SYSTEM_MODSTAMP: stamp}
            self._storage.replace(self._storage.object_of(stored), stored, values)

    def _keep_history(
        self,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        stamp: str,
        user_id: str,
        info: ObjectInfo | None = None,
    ) -> None:
        history = self._storage.schema.objects["OpportunityFieldHistory"]
        opportunity = info or self._info
        for name in TRACKED:
            if old.get(name) == new.get(name):
                continue
            number = self._storage.count_up(f"id {history.name}")
            self._storage.insert(
                history,
                {
                    "Id": numbered_id(history.key_prefix, number),
                    "OpportunityId": new["Id"],
                    "Field": name,
                    "DataType": opportunity.fields[name].type,
                    "OldValue": old.get(name),
                    "NewValue": new.get(name),
                    "CreatedById": user_id,
                    "CreatedDate": stamp,
                    SYSTEM_MODSTAMP: stamp,
                    DELETED: False,
                },
            )
