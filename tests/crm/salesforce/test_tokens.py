"""One login per expiry, at most one a minute, and always into the same org."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from closedwon.crm.salesforce.auth import Token
from closedwon.crm.salesforce.tokens import Tokens
from closedwon.kernel.errors import AuthFailed, ClosedwonError, InvariantBroken, RetryLater
from closedwon.kernel.ids import id18
from closedwon.transport import Transient
from crm.salesforce.org import ORG, Clock, Logins


class Refusing:
    """A grant that always raises ``error``."""

    def __init__(self, error: ClosedwonError) -> None:
        self.error = error
        self.count = 0
        self.last_at: datetime | None = None

    def __call__(self, now: datetime) -> Token:
        self.count += 1
        self.last_at = now
        raise self.error


def test_the_token_is_used_until_it_is_spent() -> None:
    logins, clock = Logins(), Clock()
    tokens = Tokens(logins, clock)

    first = tokens.current()
    assert tokens.current() is first
    clock.at += timedelta(minutes=2)
    second = tokens.renewed(first)

    assert second is not first
    assert tokens.renewed(first) is second
    assert logins.count == 2


def test_many_threads_that_see_one_expiry_share_one_login() -> None:
    logins, clock = Logins(), Clock()
    tokens = Tokens(logins, clock)
    spent = tokens.current()
    clock.at += timedelta(minutes=2)

    with ThreadPoolExecutor(8) as pool:
        renewed = list(pool.map(lambda _: tokens.renewed(spent), range(50)))

    assert len({id(token) for token in renewed}) == 1
    assert logins.count == 2


def test_a_session_that_ends_within_a_minute_is_not_stormed() -> None:
    logins, clock = Logins(), Clock()
    tokens = Tokens(logins, clock)
    first = tokens.current()

    for _ in range(5):
        with pytest.raises(RetryLater):
            tokens.renewed(first)
    assert logins.count == 1
    clock.at += timedelta(seconds=60)
    assert tokens.current() is not first


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AuthFailed("login refused: invalid_grant"), AuthFailed),
        (Transient("no answer"), RetryLater),
    ],
)
def test_a_failed_login_is_repeated_once_a_minute(
    error: ClosedwonError, kind: type[Exception]
) -> None:
    grant, clock = Refusing(error), Clock()
    tokens = Tokens(grant, clock)

    for _ in range(3):
        with pytest.raises(kind) as caught:
            tokens.current()
        assert not isinstance(caught.value, Transient)
    assert grant.count == 1
    clock.at += timedelta(seconds=60)
    with pytest.raises(kind):
        tokens.current()
    assert grant.count == 2


def test_another_org_is_never_written_to() -> None:
    with pytest.raises(InvariantBroken):
        Tokens(Logins(), Clock(), org_id=id18("00DHs0000099999")).current()


def test_an_org_that_changes_between_logins_is_noticed() -> None:
    logins, clock = Logins(), Clock()
    tokens = Tokens(logins, clock)
    first = tokens.current()
    assert first.org_id == ORG
    logins.org_id = id18("00DHs0000099999")
    clock.at += timedelta(minutes=2)

    with pytest.raises(InvariantBroken):
        tokens.renewed(first)
