import pytest
from sqlite_utils import Database

from billing.world import at
from closedwon.store.audit import Audit, Outcome
from closedwon.store.database import open_database, writing
from closedwon.store.migrations import migrate


@pytest.fixture
def db() -> Database:
    found = open_database(":memory:")
    migrate(found)
    with writing(found):
        for number in range(5):
            failure = "refused" if number == 3 else None
            Audit(found).append(
                "create",
                ("contract", f"c{number}"),
                by="ada",
                now=at("2024-01-01"),
                failure=failure,
            )
    return found


def test_rows_say_who_did_what_when_and_how_it_ended(db: Database) -> None:
    rows = Audit(db).rows(after=2)

    assert [(r.position, r.by, r.action, r.resource_type, r.resource_id) for r in rows] == [
        (3, "ada", "create", "contract", "c2"),
        (4, "ada", "create", "contract", "c3"),
        (5, "ada", "create", "contract", "c4"),
    ]
    assert [r.outcome for r in rows] == [Outcome.SUCCESS, Outcome.FAILURE, Outcome.SUCCESS]
    assert [r.detail for r in rows] == ["", "refused", ""]
    assert rows[0].at == at("2024-01-01")


def test_paging_never_misses_a_row(db: Database) -> None:
    seen: list[int] = []
    while rows := Audit(db).rows(after=seen[-1] if seen else 0, limit=2):
        seen += [row.position for row in rows]
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("tampering", "first"),
    [
        ("update audit set by = 'eve' where position = 2", 2),
        ("update audit set detail = '' where position = 4", 4),
        ("delete from audit where position = 3", 3),
        ("update audit set resource_id = 'c9' where position = 5", 5),
    ],
)
def test_a_changed_or_removed_row_breaks_the_chain(
    db: Database, tampering: str, first: int
) -> None:
    assert Audit(db).broken_at() is None
    with writing(db):
        db.conn.execute("drop trigger audit_never_changed")
        db.conn.execute("drop trigger audit_never_deleted")
        db.conn.execute(tampering)
    assert Audit(db).broken_at() == first


def test_a_truncated_log_no_longer_has_the_head_that_was_kept(db: Database) -> None:
    head = Audit(db).head()
    with writing(db):
        db.conn.execute("drop trigger audit_never_deleted")
        db.conn.execute("delete from audit where position = 5")
    assert Audit(db).broken_at() is None
    assert Audit(db).head() != head
