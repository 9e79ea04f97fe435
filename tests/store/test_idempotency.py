"""Idempotency-Key (R8, G12)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlite_utils import Database

from closedwon.kernel.errors import Conflict
from closedwon.store.database import close, open_database, writing
from closedwon.store.idempotency import FORGOTTEN_MAX, Answer, IdempotentAnswers
from closedwon.store.migrations import migrate

NOW = datetime(2025, 1, 1, tzinfo=UTC)
DONE = Answer(status=200, body='{"data":{}}')


@pytest.fixture
def db() -> Iterator[Database]:
    opened = open_database(":memory:")
    migrate(opened)
    yield opened
    close(opened)


def test_r8_the_same_request_gets_the_same_answer_even_an_error(db: Database) -> None:
    answers = IdempotentAnswers(db)
    assert answers.replay("client", "k", "f") is None
    failed = Answer(status=500, body="broken")
    with writing(db):
        answers.keep("client", "k", "f", DONE, NOW)
        answers.keep("client", "k2", "f", failed, NOW)

    assert answers.replay("client", "k", "f") == DONE
    assert answers.replay("client", "k2", "f") == failed


def test_r8_another_request_with_the_key_is_a_conflict_and_another_client_is_not(
    db: Database,
) -> None:
    answers = IdempotentAnswers(db)
    with writing(db):
        answers.keep("client", "k", "f", DONE, NOW)

    with pytest.raises(Conflict, match="R8"):
        answers.replay("client", "k", "other")
    assert answers.replay("other client", "k", "other") is None


def test_r8_an_answer_is_kept_with_its_work_or_not_at_all(db: Database) -> None:
    answers = IdempotentAnswers(db)

    def cut() -> None:
        with writing(db):
            answers.keep("client", "k", "f", DONE, NOW)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut()
    assert answers.replay("client", "k", "f") is None


def test_r8_answers_are_kept_for_more_than_a_day(db: Database) -> None:
    answers = IdempotentAnswers(db)
    with writing(db):
        answers.keep("client", "k", "f", DONE, NOW)
        assert answers.forget(NOW + timedelta(days=34)) == 0
        assert answers.replay("client", "k", "f") == DONE
        assert answers.forget(NOW + timedelta(days=36)) == 1
    assert answers.replay("client", "k", "f") is None


def test_r8_answers_of_long_ago_go_as_new_ones_come(db: Database) -> None:
    answers = IdempotentAnswers(db)
    with writing(db):
        for number in range(FORGOTTEN_MAX + 1):
            answers.keep("client", str(number), "f", DONE, NOW)
        answers.keep("client", "later", "f", DONE, NOW + timedelta(days=36))

    kept = [answers.replay("client", str(number), "f") for number in range(FORGOTTEN_MAX + 1)]
    assert [one for one in kept if one is not None] == [DONE]
    assert answers.replay("client", "later", "f") == DONE
