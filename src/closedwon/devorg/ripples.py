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
from closedwon.devorg.storage import DELETED, SYSTEM_MODSTAMP, Storage

TRACKED = ("StageName", "Amount", "CloseDate", "OwnerId", "SBQQ__PrimaryQuote__c")
"""Opportunity fields whose changes leave a row in OpportunityFieldHistory."""

Sums = dict[tuple[str, str], Any]
"""(parent id, field) -> value."""


class Ripples:
    """Taken before a record is saved, spread afterwards; ``old`` or ``new`` may be empty."""

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
        self._before = self._sums()

    def spread(self, stamp: str, user_id: str) -> None:
        """Bring parents up to date now that the record is saved."""
        after = self._sums()
        for parent_id in {key[0] for key in after if after[key] != self._before[key]}:
            self._touch(parent_id, stamp, {})
        if self._info.name == "OpportunityLineItem":
            for opportunity_id in self._parents("OpportunityId"):
                self._total(opportunity_id, stamp, user_id)
        if self._info.name == "Opportunity" and self._old and self._new:
            self._keep_history(self._old, self._new, stamp, user_id)

    def _sums(self) -> Sums:
        """Roll-ups over this object's rows, of every parent it had or has."""
        fresh = self._reading.again()
        found: Sums = {}
        for parent, field in self._storage.schema.summaries.get(self._info.name, ()):
            assert field.summary is not None
            for parent_id in self._parents(field.summary.link):
                record = fresh.record(parent_id)
                if record is not None and record.info is parent:
                    found[parent_id, field.name] = record.value(field)
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
