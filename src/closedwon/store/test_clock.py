"""Where the clock of a test stands: a state that has one is not billed by the time it really is."""

from datetime import datetime

from sqlite_utils import Database

from closedwon.kernel.instant import format_instant, parse_instant
from closedwon.store.migrations import create, migrations
from closedwon.store.rows import select, upsert


@migrations()
def m082_test_clock(db: Database) -> None:
    """One row at most, whose instant never goes back."""
    create(
        db,
        "create table test_clock (id integer primary key check (id = 1), now text not null) strict",
        "create trigger test_clock_goes_forward before update on test_clock"
        " when new.now < old.now begin select raise(abort, 'a test clock goes forward'); end",
        "create trigger test_clock_stays before delete on test_clock"
        " begin select raise(abort, 'a state that was billed by a test clock keeps it'); end",
    )


class StandingClock:
    """The instant a test moved this state to."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def now(self) -> datetime | None:
        """Where it stands; None for a state of the real time."""
        rows = select(self._db, "select now from test_clock")
        return parse_instant(rows[0]["now"]) if rows else None

    def keep(self, now: datetime) -> None:
        """It stands at ``now``, from here on or still; never earlier than before."""
        upsert(self._db, "test_clock", ["id"], [{"id": 1, "now": format_instant(now)}])
