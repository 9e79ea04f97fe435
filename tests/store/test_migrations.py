from pathlib import Path

import pytest

from closedwon.kernel.errors import ConfigError
from closedwon.store import Stores
from closedwon.store.database import close, open_database, verify, writing
from closedwon.store.migrations import migrate, migrations
from closedwon.store.rows import select


def schema(path: Path) -> list[str]:
    db = open_database(path, read_only=True)
    rows = select(db, "select sql from sqlite_schema where sql is not null order by type, name")
    close(db)
    return [row["sql"] for row in rows]


def test_an_empty_file_becomes_the_latest_schema_and_stays_it(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    db = open_database(path)
    migrate(db)
    first = schema(path)
    applied = [migration.name for migration in migrations.applied(db)]
    migrate(db)

    assert schema(path) == first
    assert [migration.name for migration in migrations.applied(db)] == applied
    assert migrations.pending(db) == []
    assert verify(db) == ()
    assert Stores(db).customers.ids() == ()
    close(db)


def test_every_table_of_ours_is_strict(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    db = open_database(path)
    migrate(db)
    close(db)

    tables = [sql for sql in schema(path) if sql.startswith(("create table", "CREATE TABLE"))]
    ours = [sql for sql in tables if "_sqlite_migrations" not in sql]
    assert len(ours) > 20
    options = [sql.rpartition(")")[2] for sql in ours]
    assert [given for given in options if "strict" not in given] == []


def test_a_migration_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = open_database(tmp_path / "state.db")

    def broken(_db: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(
        migrations,
        "_migrations",
        [*migrations._migrations, migrations._Migration("m999_broken", broken)],
    )
    with pytest.raises(ZeroDivisionError):
        migrate(db)
    assert db.table_names() == []
    close(db)


def test_an_older_state_is_brought_up_to_date(tmp_path: Path) -> None:
    db = open_database(tmp_path / "state.db")
    with writing(db):
        migrations.apply(db, stop_before="m007_invoices")
    assert "invoice" not in db.table_names()
    migrate(db)
    assert "invoice" in db.table_names()
    assert migrations.pending(db) == []
    close(db)


def test_every_older_state_becomes_the_latest_schema(tmp_path: Path) -> None:
    latest = open_database(tmp_path / "latest.db")
    migrate(latest)
    names = [migration.name for migration in migrations.applied(latest)]
    close(latest)

    for name in names:
        path = tmp_path / f"{name}.db"
        db = open_database(path)
        with writing(db):
            migrations.apply(db, stop_before=name)
        migrate(db)
        close(db)
        assert schema(path) == schema(tmp_path / "latest.db"), name


def test_schedules_from_before_they_had_properties_are_those_without_any(tmp_path: Path) -> None:
    db = open_database(tmp_path / "state.db")
    with writing(db):
        migrations.apply(db, stop_before="m074_named_schedule_properties")
        db.conn.execute(
            "insert into named_schedule_update"
            " (owner_kind, owner_id, name, starting_at, value, at, by) values"
            " ('customer', 'acme', 'region', '2024-01-01T00:00:00.000000Z', '\"eu\"',"
            " '2024-01-01T00:00:00.000000Z', 'ann')"
        )
    migrate(db)

    schedules = Stores(db).named_schedules
    assert schedules.names("customer", "acme") == (("region", {}),)
    assert [one.value for one in schedules.updates("customer", "acme", ("region", {}))] == ["eu"]
    close(db)


def test_a_state_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    db = open_database(tmp_path / "state.db")
    migrate(db)
    with writing(db):
        db.conn.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at)"
            " values ('closedwon', 'm998_from_the_future', '2030-01-01')"
        )
    with pytest.raises(ConfigError, match="m998_from_the_future"):
        migrate(db)
    close(db)
