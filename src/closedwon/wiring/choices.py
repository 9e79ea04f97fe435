"""The settings of billing, as the engine takes them."""

from closedwon.billing.account import BillingSettings
from closedwon.settings import Settings


def billing_settings(settings: Settings) -> BillingSettings:
    """Named choices where the source is silent (metronome.md section 6)."""
    return BillingSettings(
        grace_hours=settings.billing_grace_hours,
        rollover_base=settings.billing_rollover_base,
        corrections=settings.billing_corrections,
        drawdown_dates=settings.billing_drawdown_dates,
        max_individual_seats=settings.billing_max_individual_seats,
    )
