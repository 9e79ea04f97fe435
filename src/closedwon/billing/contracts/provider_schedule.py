"""Which billing provider an invoice goes to, and how that changes over time (R102, R103)."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.periods import anchor
from closedwon.billing.invoices.types import Invoice
from closedwon.kernel.calendar import index_before, step
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import wire_instant

SEGMENTS_MAX = 10
MARKETPLACES = frozenset({"aws_marketplace", "azure_marketplace", "gcp_marketplace"})


class EffectiveAt(StrEnum):
    """When an edit lets another provider take over (R103)."""

    START_OF_CURRENT_PERIOD = "START_OF_CURRENT_PERIOD"
    START_OF_NEXT_PERIOD = "START_OF_NEXT_PERIOD"


def active_segment(segments: Sequence[ProviderSegment], invoice: Invoice) -> ProviderSegment | None:
    """The latest segment effective before the invoice's period ends; None when there is none.

    An invoice without a period counts from its issue date (R103). Of two segments effective at one
    instant the later in the list holds.
    """
    moment = invoice.issued_at if invoice.end is None else invoice.end
    begun = [segment for segment in segments if segment.effective_at < moment]
    return max(enumerate(begun), key=_by_time, default=(0, None))[1]


def updated(
    contract: Contract, segment: ProviderSegment, when: EffectiveAt, now: datetime
) -> tuple[ProviderSegment, ...]:
    """The contract's schedule once ``segment`` takes over at a period boundary around ``now``.

    ``segment.effective_at`` is replaced by that boundary; segments that would begin at or after it
    go. Raises Refused for what R103 forbids.
    """
    starting = boundary(contract, when, now)
    kept = [one for one in contract.settings.providers if one.effective_at < starting]
    before = kept[-1].billing_provider if kept else ""
    if when is EffectiveAt.START_OF_CURRENT_PERIOD and MARKETPLACES & {
        before,
        segment.billing_provider,
    }:
        raise Refused(
            "a marketplace may only be changed at START_OF_NEXT_PERIOD (R103)",
            contract=contract.id,
            found=f"{before or 'none'} to {segment.billing_provider}",
        )
    made = ProviderSegment(
        effective_at=starting,
        configuration_id=segment.configuration_id,
        billing_provider=segment.billing_provider,
        delivery_method=segment.delivery_method,
    )
    schedule = (*kept, made)
    check_schedule(contract, schedule)
    return schedule


def check_schedule(contract: Contract, segments: Sequence[ProviderSegment]) -> None:
    """Raise Refused unless ``segments`` are few, in order and on billing period starts (R103)."""
    if len(segments) > SEGMENTS_MAX:
        raise Refused(
            f"a provider schedule has at most {SEGMENTS_MAX} segments (R103)", found=len(segments)
        )
    times = [segment.effective_at for segment in segments]
    if times != sorted(set(times)):
        raise Refused("provider segments must be in order and different (R103)", id=contract.id)
    for at in times:
        if at != contract.term.start and _period_start(contract, at, 0) != at:
            raise Refused(
                "a provider segment must begin with a billing period (R103)",
                contract=contract.id,
                found=wire_instant(at),
            )


def boundary(contract: Contract, when: EffectiveAt, now: datetime) -> datetime:
    """The start of the period around ``now``, or of the one after it, never before the term."""
    ahead = 1 if when is EffectiveAt.START_OF_NEXT_PERIOD else 0
    return max(_period_start(contract, max(now, contract.term.start), ahead), contract.term.start)


def _period_start(contract: Contract, at: datetime, ahead: int) -> datetime:
    origin, frequency = anchor(contract), contract.statement.frequency
    return step(origin, frequency, index_before(origin, frequency, at) + ahead)


def _by_time(numbered: tuple[int, ProviderSegment]) -> tuple[datetime, int]:
    place, segment = numbered
    return segment.effective_at, place
