"""System events at their instants and notifications around them (R279, R280)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from closedwon.billing.contracts.fold import states
from closedwon.billing.expand import with_children
from closedwon.billing.notifications.moments import Moment, acted, scheduled
from closedwon.billing.notifications.offsets import OffsetNotification, duration
from closedwon.engine.command import API, command
from closedwon.engine.events import emit_flat
from closedwon.engine.uniqueness import take_key
from closedwon.kernel.errors import Conflict, NotFound
from closedwon.kernel.instant import DAY, wire_instant
from closedwon.store.database import writing
from closedwon.store.keys import Namespace
from closedwon.store.moments import Source
from closedwon.store.stores import Stores

CONTRACTS_MAX = 1000
"""Contracts brought up to date in one run; the rest waits for the next."""
AHEAD = timedelta(days=40)
"""How far ahead children of generators are known, for notifications before their moments."""
REFRESH = DAY
QUIET_MAX = DAY
"""How far a look back grows while nothing happens: a run that finds nothing writes nothing."""


class Notifications:
    """``Engine.notifications``: lifecycle events of one state file."""

    def __init__(self, stores: Stores, environment: str = "PRODUCTION") -> None:
        self._stores = stores
        self.environment = environment

    def create(self, offset: OffsetNotification, now: datetime, by: str = API) -> None:
        """Add an offset notification; the same again changes nothing."""
        stores = self._stores
        resource = ("offset_notification", offset.id)
        with command(stores, "create", resource, by=by, now=now) as running:
            known = {one.id: one for one in stores.moments.offsets()}
            if offset.id in known:
                if known[offset.id] != offset:
                    raise Conflict("a notification with this id and other content exists")
                return
            take_key(stores, Namespace.OFFSET, offset.uniqueness_key, offset.id, now)
            stores.moments.add_offset(offset)
            running.changed = True

    def edit(
        self,
        offset_id: str,
        now: datetime,
        *,
        is_enabled: bool | None = None,
        offset: str | None = None,
        by: str = API,
    ) -> OffsetNotification:
        """Change an offset notification; instants past by ``now`` are not told (R280)."""
        stores = self._stores
        with command(stores, "edit", ("offset_notification", offset_id), by=by, now=now) as running:
            known = self.get(offset_id)
            changed = replace(
                known,
                is_enabled=known.is_enabled if is_enabled is None else is_enabled,
                offset=known.offset if offset is None else offset,
                since=now,
            )
            stores.moments.put_offset(changed)
            running.changed = True
        return changed

    def archive(self, offset_id: str, now: datetime, by: str = API) -> None:
        """Stop an offset notification for good (R280)."""
        stores = self._stores
        resource = ("offset_notification", offset_id)
        with command(stores, "archive", resource, by=by, now=now) as running:
            stores.moments.put_offset(replace(self.get(offset_id), archived_at=now))
            running.changed = True

    def get(self, offset_id: str) -> OffsetNotification:
        """One offset notification; raises NotFound."""
        for one in self._stores.moments.offsets():
            if one.id == offset_id:
                return one
        raise NotFound("no such notification", notification=offset_id)

    def all(self) -> tuple[OffsetNotification, ...]:
        """Offset notifications by id, archived ones too."""
        return self._stores.moments.offsets()

    def run(self, now: datetime) -> int:
        """Tell what fell due since the last run; returns how many events were told.

        The first run tells nothing of the past. Events and how far they were told commit together;
        each has an id of its own, so that a repeat tells nothing twice.
        """
        stores = self._stores
        with writing(stores.db):
            behind = stores.moments.stale(now, CONTRACTS_MAX)
            for contract_id, edits_taken in behind:
                self._refresh(contract_id, edits_taken, now)
            if len(behind) == CONTRACTS_MAX:
                return 0
            since = stores.moments.told_until()
            told = 0 if since is None else sum(1 for _ in self._told(since, now))
            if since is None or told or behind or now - since > QUIET_MAX:
                stores.moments.set_told(now)
        return told

    def _told(self, since: datetime, now: datetime) -> Iterator[str]:
        for moment in self._stores.moments.between(since, now):
            yield self._emit(moment, {}, now)
        for offset in self._stores.moments.offsets():
            if not offset.is_enabled or offset.archived_at is not None:
                continue
            length = duration(offset.offset)
            after = max(since, offset.since) - length
            for moment in self._stores.moments.of_type(offset.type, after, now - length):
                about = {"offset_id": offset.id, "offset_duration": offset.offset}
                yield self._emit(moment, about, now)

    def _refresh(self, contract_id: str, edits_taken: int, now: datetime) -> None:
        stores = self._stores
        edits = stores.contracts.edits(contract_id)
        made = tuple(states(edits))
        contract = made[-1]
        lived = with_children(contract, now + AHEAD)
        actions = [
            moment
            for edit, state in zip(edits[edits_taken:], made[edits_taken:], strict=True)
            for moment in acted(edit, state)
        ]
        source = Source(
            digest=stores.contracts.digest(contract_id),
            edits=len(edits),
            edited_at=edits[-1].at,
            fresh_until=now + REFRESH if contract.recurring else None,
        )
        stores.moments.put(contract_id, tuple(scheduled(lived)), actions, source)

    def _emit(self, moment: Moment, more: dict[str, Any], now: datetime) -> str:
        stores = self._stores
        contract = stores.contracts.get(moment.contract_id)
        if contract is None:
            raise NotFound("no such contract", contract=moment.contract_id)
        fields: dict[str, Any] = {
            "timestamp": wire_instant(moment.at),
            "environment_type": self.environment,
            "customer_id": contract.customer_id,
            "customer_custom_fields": self._fields("customer", contract.customer_id),
            "contract_id": contract.id,
            "contract_custom_fields": self._fields("contract", contract.id),
            **self._balance(moment),
            **more,
        }
        return emit_flat(stores, moment.type, fields, now)

    def _balance(self, moment: Moment) -> dict[str, Any]:
        if moment.commit_id is None:
            return {}
        word = moment.type.partition(".")[0]
        entity = "contract_credit" if word == "credit" else "commit"
        fields: dict[str, Any] = {
            f"{word}_id": moment.commit_id,
            f"{word}_custom_fields": self._fields(entity, moment.commit_id),
        }
        if moment.recurring_id is not None:
            fields[f"parent_recurring_{word}_id"] = moment.recurring_id
        if moment.segment_id is not None:
            fields["segment_id"] = moment.segment_id
            fields["segment_index"] = moment.segment_index
            fields["segment_count"] = moment.segment_count
        return fields

    def _fields(self, entity: str, entity_id: str) -> dict[str, str]:
        return dict(self._stores.custom_fields.of(entity, [entity_id]).get(entity_id, {}))
