"""The schema, as a list of migrations that only ever grows.

Each aggregate file contributes its tables as one function here; an old function is never edited.
"""

from sqlite_utils import Database, Migrations

from closedwon.store.database import writing

migrations = Migrations("closedwon")


def migrate(db: Database) -> None:
    """Bring the schema up to date; does nothing when it is."""
    with writing(db):
        migrations.apply(db)
