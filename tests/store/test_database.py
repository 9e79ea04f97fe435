import sqlite3
import threading
from pathlib import Path

import pytest
from sqlite_utils import Database

from closedwon.kernel.errors import ConfigError, InvariantBroken, LockHeld, Refused
from closedwon.store.database import close, open_database, verify, writing
from closedwon.store.rows import change, insert, select


def table(db: Database) -> Database:
    with writing(db):
        db.conn.execute("create table thing (id text primary key, n integer) strict")
    return db


def stumble(db: Database, name: str) -> None:
    insert(db, "thing", [{"id": name, "n": 1}])
    raise Refused("no")


def names(db: Database) -> list[str]:
    return [row["id"] for row in select(db, "select id from thing order by id")]


def test_a_transaction_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    db = table(open_database(tmp_path / "state.db"))
    with writing(db):
        insert(db, "thing", [{"id": "kept", "n": 1}])
    with pytest.raises(Refused), writing(db):
        stumble(db, "lost")

    assert names(db) == ["kept"]
    assert not db.conn.in_transaction
    close(db)


def test_an_inner_failure_undoes_only_the_inner_part(tmp_path: Path) -> None:
    db = table(open_database(tmp_path / "state.db"))
    with writing(db):
        insert(db, "thing", [{"id": "outer", "n": 1}])
        with pytest.raises(Refused), writing(db):
            stumble(db, "inner")
        insert(db, "thing", [{"id": "after", "n": 1}])

    assert names(db) == ["after", "outer"]
    close(db)


def test_nested_work_is_undone_with_the_outer_transaction(tmp_path: Path) -> None:
    db = table(open_database(tmp_path / "state.db"))
    with pytest.raises(Refused), writing(db), writing(db):
        stumble(db, "inner")

    assert names(db) == []
    close(db)


def test_a_second_writer_gives_up_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    db = table(open_database(tmp_path / "state.db"))
    other = open_database(tmp_path / "state.db", lock_wait_s=0.1)
    with writing(db), pytest.raises(LockHeld), writing(other):
        pass
    with writing(other):
        insert(other, "thing", [{"id": "later", "n": 1}])

    assert names(db) == ["later"]
    close(other)
    close(db)


def test_writers_in_threads_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    db = table(open_database(tmp_path / "state.db"))
    failures: list[BaseException] = []

    def count_up() -> None:
        mine = open_database(tmp_path / "state.db")
        try:
            for _ in range(20):
                with writing(mine):
                    rows = select(mine, "select n from thing where id = 'count'")
                    number = rows[0]["n"] + 1 if rows else 1
                    change(mine, "delete from thing where id = :id", id="count")
                    insert(mine, "thing", [{"id": "count", "n": number}])
        except BaseException as error:  # noqa: BLE001 handed to the test's own thread
            failures.append(error)
        finally:
            close(mine)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert select(db, "select n from thing") == [{"n": 80}]
    close(db)


def test_a_reader_sees_commits_and_cannot_write(tmp_path: Path) -> None:
    db = table(open_database(tmp_path / "state.db"))
    reader = open_database(tmp_path / "state.db", read_only=True)
    with writing(db):
        insert(db, "thing", [{"id": "seen", "n": 1}])
        assert names(reader) == []
    assert names(reader) == ["seen"]
    with pytest.raises(Refused, match="read-only"), writing(reader):
        insert(reader, "thing", [{"id": "x", "n": 1}])
    close(reader)
    close(db)


def test_a_reader_of_nothing_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"state\.db"):
        open_database(tmp_path / "state.db", read_only=True)


def test_acknowledged_commits_are_synced(tmp_path: Path) -> None:
    db = open_database(tmp_path / "state.db")
    found = [
        db.conn.execute(f"pragma {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
    ]
    assert found == ["wal", 2, 1, 0]
    assert (tmp_path / "state.db").stat().st_mode & 0o777 == 0o600
    close(db)


def test_a_write_outside_of_a_transaction_is_refused() -> None:
    db = table(open_database(":memory:"))
    with pytest.raises(InvariantBroken, match="outside of a transaction"):
        insert(db, "thing", [{"id": "x", "n": 1}])
    with pytest.raises(InvariantBroken, match="outside of a transaction"):
        change(db, "delete from thing")


def test_a_transaction_that_sqlite_ended_is_never_taken_for_committed() -> None:
    db = table(open_database(":memory:"))
    with pytest.raises(InvariantBroken, match="ended the transaction"), writing(db):
        db.conn.execute("rollback")
    assert names(db) == []


def test_an_old_memory_connection_lends_no_lock_to_a_new_one(tmp_path: Path) -> None:
    for number in range(5):
        open_database(tmp_path / f"{number}.db").conn.close()
        with writing(open_database(":memory:")):
            pass
    assert sorted(path.name for path in tmp_path.glob("*.lock")) == [
        f"{number}.db.lock" for number in range(5)
    ]


def test_a_damaged_page_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    db = table(open_database(path))
    with writing(db):
        insert(db, "thing", [{"id": f"row {n:05}", "n": n} for n in range(5000)])
    assert verify(db) == ()
    close(db)

    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 64] = b"\xff" * 64
    path.write_bytes(content)
    damaged = open_database(path)
    try:
        found = verify(damaged)
    except sqlite3.DatabaseError as error:
        found = (str(error),)
    assert found
    damaged.conn.close()
