"""Questions that commands ask about one customer never read a whole table."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlite_utils import Database

from closedwon.billing.invoices.types import InvoiceStatus
from closedwon.store import Stores
from closedwon.store.database import open_database, writing
from closedwon.store.migrations import migrate

NOW = datetime(2025, 1, 1, tzinfo=UTC)
QUESTIONS: dict[str, Callable[[Stores], object]] = {
    "invoices of a contract": lambda stores: stores.invoices.all(contract_id="one"),
    "invoices of a customer that stand": lambda stores: stores.invoices.all(
        "customer", status=InvoiceStatus.FINALIZED
    ),
    "expirations of segments": lambda stores: stores.ledger.take_back(["one"], "invoice", NOW),
    "journal entries of an invoice": lambda stores: stores.journal.of_invoice("one", ["two"]),
    "who holds a commit": lambda stores: stores.customer_terms.customer_of("one"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_about_one_is_answered_through_an_index(question: str) -> None:
    db = open_database(":memory:")
    migrate(db)
    asked: list[str] = []
    db.conn.set_trace_callback(asked.append)
    with writing(db):
        QUESTIONS[question](Stores(db))
    db.conn.set_trace_callback(None)

    plans = [step for sql in asked if sql.startswith("select") for step in _plan(db, sql)]

    assert plans
    assert [step for step in plans if step.startswith("SCAN") and "json_each" not in step] == []


def _plan(db: Database, sql: str) -> list[str]:
    return [row[3] for row in db.conn.execute(f"explain query plan {sql}")]
