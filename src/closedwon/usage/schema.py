"""Tables of the hot log: batches not sealed yet, segments, and events in quarantine."""

from sqlite_utils import Database, Migrations

from closedwon.store.database import writing

migrations = Migrations("closedwon-usage")


def migrate(db: Database) -> None:
    """Bring the log's schema up to date; does nothing when it is."""
    with writing(db):
        migrations.apply(db)


@migrations()
def m001_log(db: Database) -> None:
    """First shape."""
    for statement in _M001:
        db.conn.execute(statement)


@migrations()
def m002_repeats(db: Database) -> None:
    """How often an event came again, unchanged (R28)."""
    db.conn.execute(
        """create table repeat (
            sequence integer primary key,
            times integer not null check (times > 0),
            sent_at text not null
        ) strict"""
    )


_M001 = (
    """create table batch (
        first integer primary key,
        last integer not null check (last >= first),
        ingested_at text not null,
        checksum integer not null,
        payload blob not null
    ) strict""",
    """create table segment (
        name text primary key,
        first_sequence integer not null,
        last_sequence integer not null,
        first_at text not null,
        last_at text not null,
        rows integer not null,
        bytes integer not null,
        sha256 text not null,
        sealed_at text not null
    ) strict""",
    """create table quarantine (
        sequence integer not null,
        transaction_id text not null,
        fingerprint text not null,
        event text not null,
        sent_at text not null,
        primary key (sequence, fingerprint)
    ) strict""",
)
"""``quarantine.sequence`` is the event that was kept; ``event`` the JSON of the other version."""
