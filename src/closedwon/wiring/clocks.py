"""Which clock a state is billed by: the real time, or a test's; never both (D7)."""

from datetime import datetime

from sqlite_utils import Database

from closedwon.api import ManualClock
from closedwon.kernel.errors import ConfigError
from closedwon.kernel.instant import wire_instant
from closedwon.store.database import writing
from closedwon.store.stores import Stores


def check_real_time(db: Database) -> None:
    """Raise ConfigError for the state of a test clock: it would be billed up to today."""
    stands = Stores(db).test_clock.now()
    if stands is not None:
        raise ConfigError(
            "this state belongs to a test clock; serve it with --clock manual,"
            " or name another state directory",
            stands_at=wire_instant(stands),
        )


def manual_clock(db: Database, asked: datetime | None, today: datetime) -> ManualClock:
    """The clock of a test over this state: where it stood, later when asked, else today.

    From here on the state is the test's. Raises ConfigError for an instant before the one it
    stands at, and for a state with final invoices that the real time made.
    """
    stores = Stores(db)
    with writing(db):
        stands = stores.test_clock.now()
        if stands is None and stores.invoices.newest() is not None:
            raise ConfigError(
                "this state has final invoices of the real time; a manual clock needs another one"
            )
        start = asked or stands or today
        if stands is not None and start < stands:
            raise ConfigError("--now: the clock goes forward only", stands_at=wire_instant(stands))
        stores.test_clock.keep(start)
    return ManualClock(start)
