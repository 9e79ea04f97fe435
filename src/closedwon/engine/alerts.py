"""Alerts at work: created, evaluated, told once per crossing (R271-R276, R281)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec

from closedwon.billing.account import Account
from closedwon.billing.alerts import observations
from closedwon.billing.alerts.types import Alert, AlertType, Observation, Sight
from closedwon.billing.catalog.types import Catalog
from closedwon.engine import customers
from closedwon.engine.alert_checks import check_alert
from closedwon.engine.alert_sights import sights_of
from closedwon.engine.command import API, command
from closedwon.engine.events import emit
from closedwon.engine.types import Bills, Meter
from closedwon.engine.uniqueness import take_key
from closedwon.kernel.errors import Conflict, NotFound
from closedwon.kernel.instant import wire_instant
from closedwon.store.alerts import IN_ALARM, OK
from closedwon.store.database import writing
from closedwon.store.keys import Namespace
from closedwon.store.stores import Stores

TOGETHER = 500
"""Customers whose bills are made together."""
KEYS_MAX = 1000
"""Distinct things one alert watches of one customer (R281); the first ones by name."""
UNITLESS = frozenset({AlertType.USAGE, AlertType.COMMIT_DAYS, AlertType.CREDIT_DAYS})

Make = Callable[[Sequence[str], datetime], Bills]
"""Bills of many customers, drafts included."""


class AlertStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How an alert stands with a customer; ``status`` is ok, in_alarm or evaluating."""

    alert: Alert
    status: str
    keys: Mapping[str, str]
    """State of each watched thing, for alerts that watch several."""


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm entered or left."""

    alert_id: str
    customer_id: str
    key: str
    entered: bool


class Alerts:
    """``Engine.alerts``: alerts of one state file and how they stand."""

    def __init__(
        self, stores: Stores, catalog: Callable[[], Catalog], meter: Meter, make: Make
    ) -> None:
        self._stores = stores
        self._catalog = catalog
        self._meter = meter
        self._make = make

    def create(self, alert: Alert, now: datetime, by: str = API) -> None:
        """Add an alert; the same again changes nothing, a taken uniqueness key is a Conflict (R7).

        It is evaluated at once (R272).
        """
        stores = self._stores
        with command(stores, "create", ("alert", alert.id), by=by, now=now) as running:
            known = stores.alerts.get(alert.id)
            if known is not None:
                if known != alert:
                    raise Conflict("an alert with this id and other content exists", id=alert.id)
                return
            check_alert(self._catalog(), alert, stores.alerts.all())
            if alert.customer_id is not None:
                customers.get(stores, alert.customer_id)
            take_key(stores, Namespace.ALERT, alert.uniqueness_key, alert.id, now)
            stores.alerts.add(alert)
            running.changed = True
        self.evaluate(now, None if alert.customer_id is None else [alert.customer_id])

    def archive(
        self, alert_id: str, now: datetime, *, releases_key: bool = False, by: str = API
    ) -> None:
        """Stop an alert for good; its uniqueness key is freed only when asked (R7)."""
        stores = self._stores
        with command(stores, "archive", ("alert", alert_id), by=by, now=now) as running:
            alert = self.get(alert_id)
            stores.alerts.archive(alert_id, now)
            if releases_key and alert.uniqueness_key is not None:
                stores.keys.release(Namespace.ALERT, alert.uniqueness_key)
            running.changed = alert.archived_at is None

    def reset(self, alert_id: str, customer_id: str, now: datetime, by: str = API) -> None:
        """Evaluate the customer anew, as if for the first time (R271)."""
        stores = self._stores
        with command(stores, "reset", ("alert", alert_id), by=by, now=now) as running:
            self.get(alert_id)
            stores.alerts.forget(alert_id, customer_id)
            running.changed = True

    def get(self, alert_id: str) -> Alert:
        """One alert, archived ones too; raises NotFound."""
        alert = self._stores.alerts.get(alert_id)
        if alert is None:
            raise NotFound("no such alert", alert=alert_id)
        return alert

    def all(self, *, include_archived: bool = False) -> tuple[Alert, ...]:
        """Alerts by id."""
        return self._stores.alerts.all(include_archived=include_archived)

    def statuses(self, customer_id: str) -> tuple[AlertStatus, ...]:
        """Every live alert that watches the customer, by id."""
        return tuple(
            _status(alert, self._stores.alerts.states(alert.id, customer_id))
            for alert in self._stores.alerts.all()
            if alert.customer_id in (None, customer_id)
        )

    def evaluate(
        self, now: datetime, customer_ids: Iterable[str] | None = None
    ) -> tuple[Crossing, ...]:
        """Compare what alerts see at ``now`` with how they stood, and tell what changed (R272).

        State and event commit together; asked again at once, nothing is told twice.
        """
        stores, alerts = self._stores, self._stores.alerts.all()
        crossings: list[Crossing] = []
        for group in _groups(_watched(stores, alerts, customer_ids)):
            made = self._make(group, now)
            sights = sights_of(self._catalog(), self._meter, alerts, made, now)
            with writing(stores.db):
                for customer_id, sight in sights.items():
                    account = made.accounts[customer_id]
                    for alert in alerts:
                        if alert.customer_id in (None, customer_id):
                            crossings += _compared(stores, alert, account, sight)
        return tuple(crossings)


def _compared(stores: Stores, alert: Alert, account: Account, sight: Sight) -> Iterator[Crossing]:
    before = stores.alerts.states(alert.id, sight.customer_id)
    seen = {one.key: one for one in islice(observations(alert, sight), KEYS_MAX)}
    after = {"": OK, **{key: IN_ALARM if one.in_alarm else OK for key, one in seen.items()}}
    changed = {key: state for key, state in after.items() if before.get(key) != state}
    gone = before.keys() - after.keys()
    stores.alerts.put_states(alert.id, sight.customer_id, changed, sight.now)
    stores.alerts.forget(alert.id, sight.customer_id, gone)
    known_before = account.customer.created_at <= alert.created_at
    is_silent = not before and not alert.evaluate_on_create and known_before
    for key, state in changed.items():
        if state == IN_ALARM and not is_silent:
            _tell(stores, alert, sight, seen[key], "")
            yield Crossing(alert_id=alert.id, customer_id=sight.customer_id, key=key, entered=True)
        elif state == OK and before.get(key) == IN_ALARM:
            if alert.tells_resolved and key in seen:
                _tell(stores, alert, sight, seen[key], "_resolved")
            yield Crossing(alert_id=alert.id, customer_id=sight.customer_id, key=key, entered=False)


def _tell(stores: Stores, alert: Alert, sight: Sight, seen: Observation, suffix: str) -> None:
    properties: dict[str, Any] = {
        "customer_id": sight.customer_id,
        "alert_id": alert.id,
        "alert_name": alert.name,
        "timestamp": wire_instant(sight.now),
        "threshold": alert.threshold,
        **({} if alert.type in UNITLESS else {"credit_type_id": alert.credit_type_id}),
        **seen.told,
        "triggered_by": seen.key or "customer",
    }
    emit(stores, f"alerts.{alert.type}{suffix}", properties, sight.now)


def _status(alert: Alert, states: Mapping[str, str]) -> AlertStatus:
    status = "evaluating"
    if states:
        status = IN_ALARM if IN_ALARM in states.values() else OK
    keys = {key: state for key, state in states.items() if key}
    return AlertStatus(alert=alert, status=status, keys=keys)


def _watched(
    stores: Stores, alerts: Sequence[Alert], customer_ids: Iterable[str] | None
) -> list[str]:
    """Customers some alert watches, archived ones left out."""
    named = {alert.customer_id for alert in alerts}
    everyone = stores.customers.ids() if customer_ids is None else tuple(customer_ids)
    return [one for one in everyone if None in named or one in named]


def _groups(customer_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(customer_ids), TOGETHER):
        yield customer_ids[start : start + TOGETHER]
