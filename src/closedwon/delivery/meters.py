"""Reports on their way to one marketplace."""

from dataclasses import dataclass
from datetime import datetime

from closedwon.delivery.channel import Intent, Outcome, Verdict
from closedwon.delivery.metering import Marketplace, MeterReport
from closedwon.kernel import strict_json
from closedwon.kernel.instant import parse_instant, wire_instant
from closedwon.store.events import Event
from closedwon.store.outbox import Effect
from closedwon.store.stores import Stores

KIND = "metering"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterChannel:
    """The ``meter`` step writes the intents; events are nothing to it."""

    marketplace: Marketplace
    stores: Stores
    kind: str = KIND
    listens_to: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The marketplace's name."""
        return self.marketplace.name

    def intent(self, event: Event) -> Intent | None:  # noqa: ARG002 the shelf's signature
        """Nothing."""
        return None

    def send(self, effect: Effect) -> Outcome:
        """Report under the customer's configuration."""
        wanted = strict_json.loads(effect.payload)
        found = self.stores.providers.get(str(wanted["configuration_id"]))
        if found is None:
            return Outcome(verdict=Verdict.REFUSED, error="there is no such configuration")
        report = MeterReport(
            key=effect.id,
            hour=parse_instant(wanted["hour"]),
            quantity=int(wanted["quantity"]),
            configuration=found.configuration,
        )
        return self.marketplace.report(report)

    def settled(self, effect: Effect, outcome: Outcome, now: datetime) -> None:  # noqa: ARG002
        """Refused cents are reported again; those nobody knows about are not (R298, G15)."""
        if outcome.verdict is not Verdict.AGAIN:
            is_refused = outcome.verdict is Verdict.REFUSED
            self.stores.meter_reports.settle(effect.id, is_refused=is_refused)


def payload_of(configuration_id: str, hour: datetime, quantity: int) -> str:
    """What the outbox keeps of a report."""
    return strict_json.dumps(
        {
            "configuration_id": configuration_id,
            "hour": wire_instant(hour),
            "quantity": quantity,
        }
    )
