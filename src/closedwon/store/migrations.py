"""The schema, as a list of migrations that only ever grows.

Each aggregate file contributes its tables as one function here; an old function is never edited.
Importing ``closedwon.store`` registers all of them.
"""

from sqlite_utils import Database, Migrations

from closedwon.kernel.errors import ConfigError
from closedwon.store.database import writing

migrations = Migrations("closedwon")


def migrate(db: Database) -> None:
    """Bring the schema up to date, all of it or nothing; does nothing when it is.

    Raises ConfigError when a newer version of closedwon wrote this state (F099).
    """
    applied = {migration.name for migration in migrations.applied(db)}
    registered = _registered()
    newer = sorted(applied - registered)
    if newer:
        raise ConfigError(
            "the state was written by a newer closedwon; upgrade before using it",
            migrations=", ".join(newer),
        )
    if registered != applied:
        with writing(db):
            migrations.apply(db)


def create(db: Database, *statements: str) -> None:
    """Run DDL inside the migration's transaction, one statement at a time."""
    for statement in statements:
        db.conn.execute(statement)


def append_only(table: str) -> tuple[str, ...]:
    """Triggers that forbid changing or deleting rows of ``table`` (G8)."""
    return tuple(
        f"create trigger {table}_{name} before {event} on {table}"
        f" begin select raise(abort, '{table} rows are {name.replace('_', ' ')}'); end"
        for name, event in (("never_changed", "update"), ("never_deleted", "delete"))
    )


def _registered() -> set[str]:
    """Names this version knows; an empty memory database has all of them pending."""
    empty = Database(memory=True)
    try:
        return {migration.name for migration in migrations.pending(empty)}
    finally:
        empty.close()
