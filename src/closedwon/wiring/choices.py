"""The settings of billing and of polling, as engine and step take them."""

from datetime import timedelta

from closedwon.billing.account import BillingSettings
from closedwon.settings import Settings
from closedwon.sync.poll import PollOptions


def billing_settings(settings: Settings) -> BillingSettings:
    """Named choices where the source is silent (metronome.md section 6)."""
    return BillingSettings(
        grace_hours=settings.billing_grace_hours,
        rollover_base=settings.billing_rollover_base,
        corrections=settings.billing_corrections,
        drawdown_dates=settings.billing_drawdown_dates,
        max_individual_seats=settings.billing_max_individual_seats,
    )


def poll_options(settings: Settings) -> PollOptions:
    """How far polls reach back."""
    return PollOptions(
        start_from=settings.go_live,
        overlap=timedelta(minutes=settings.poll_overlap_minutes),
        settle=timedelta(seconds=settings.settle_seconds),
    )
