from datetime import timedelta
from typing import Any

from closedwon.devorg.http.options import RefreshToken, User
from closedwon.devorg.http.sessions import REFRESH_TOKENS_MAX, RefreshTokens, Sessions

ADA = User(id="005Hs00000AbCdEIAV", username="ada@acme.test", password="pw")
BOB = User(id="005Hs00000AbCdFIAV", username="bob@acme.test", password="pw")


def sessions(clock: Any, logins_max: int = 10) -> Sessions:
    return Sessions(clock, "00DHs0000012345MAA", 7200, logins_max)


def test_a_session_lives_from_use_to_use_and_dies_of_idleness(clock: Any) -> None:
    opened = sessions(clock)
    token = opened.open(ADA, "app")

    for _ in range(3):
        clock.now += timedelta(seconds=7199)
        assert opened.find(token) is not None
    clock.now += timedelta(seconds=7200)

    assert opened.find(token) is None
    clock.now -= timedelta(days=1)
    assert opened.find(token) is None


def test_a_token_names_the_org(clock: Any) -> None:
    assert sessions(clock).open(ADA).startswith("00DHs0000012345!AQ")


def test_soap_logins_share_one_session_per_user_and_oauth_logins_do_not(clock: Any) -> None:
    opened = sessions(clock)

    assert opened.open(ADA) == opened.open(ADA)
    assert opened.open(ADA) != opened.open(BOB)
    assert opened.open(ADA, "app") != opened.open(ADA, "app")


def test_a_soap_login_after_the_idle_window_opens_a_new_session(clock: Any) -> None:
    opened = sessions(clock)
    spent = opened.open(ADA)
    clock.forward(seconds=7200)

    assert opened.open(ADA) != spent
    assert opened.find(spent) is None


def test_a_revoked_session_is_gone_for_everyone_who_shared_it(clock: Any) -> None:
    opened = sessions(clock)
    token = opened.open(ADA)
    opened.revoke(token)

    assert opened.find(token) is None
    assert opened.open(ADA) != token


def test_logins_are_counted_per_user_and_rolling_hour(clock: Any) -> None:
    opened = sessions(clock, logins_max=2)

    assert [opened.may_log_in(ADA) for _ in range(3)] == [True, True, False]
    assert opened.may_log_in(BOB)
    clock.now += timedelta(hours=1)
    assert opened.may_log_in(ADA)


def test_the_oldest_of_too_many_refresh_tokens_dies() -> None:
    grants = [
        RefreshToken(token=f"t{n}", username="ada@acme.test", client_id="app")
        for n in range(REFRESH_TOKENS_MAX + 1)
    ]
    live = RefreshTokens(grants)

    assert live.find("t0") is None
    assert live.find("t1") == grants[1]


def test_a_rotated_refresh_token_replaces_the_old_one() -> None:
    grant = RefreshToken(token="old", username="ada@acme.test", client_id="app")
    live = RefreshTokens([grant])
    fresh = live.rotate(grant)

    assert live.find("old") is None
    assert live.find(fresh.token) == fresh


def test_secrets_do_not_print() -> None:
    grant = RefreshToken(token="hush", username="ada@acme.test", client_id="app")

    assert "hush" not in repr(grant)
    assert "pw" not in repr(ADA)
