from decimal import Decimal
from typing import Any

import pytest

from closedwon.billing.pricing import Flat
from closedwon.store.database import open_database, writing
from closedwon.store.rows import decoded, encoded, insert, insert_new, select, upsert


def test_only_text_integers_and_nothing_pass() -> None:
    db = open_database(":memory:")
    with writing(db):
        db.conn.execute("create table thing (id text primary key, n text) strict")
        bad: Any
        for bad in (Decimal("1.10"), 1.5, True, b"x"):
            with pytest.raises(TypeError, match=r"thing\.n"):
                insert(db, "thing", [{"id": "a", "n": bad}])
    assert select(db, "select * from thing") == []


def test_rows_of_different_shapes_are_all_written_and_counted() -> None:
    db = open_database(":memory:")
    with writing(db):
        db.conn.execute("create table thing (id text primary key, n text) strict")
        assert insert(db, "thing", [{"id": "a", "n": "1"}, {"id": "b"}, {"id": "c"}]) == 3
        assert insert_new(db, "thing", [{"id": "a", "n": "9"}, {"id": "d", "n": "4"}]) == 1
        assert upsert(db, "thing", ("id",), [{"id": "a", "n": "5"}]) == 1
        assert upsert(db, "thing", ("id",), []) == 0
    assert select(db, "select id, n from thing order by id") == [
        {"id": "a", "n": "5"},
        {"id": "b", "n": None},
        {"id": "c", "n": None},
        {"id": "d", "n": "4"},
    ]


def test_a_decimal_survives_the_store_digit_for_digit() -> None:
    price = Flat(price=Decimal("12345678901234567.890000000000000001"))
    assert decoded(encoded(price), Flat) == price
    assert '"12345678901234567.890000000000000001"' in encoded(price)
