"""``serve`` and ``token`` as processes and commands."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from closedwon.cli import main


def run(state: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["--state", str(state), *words])
    return result.exit_code, result.stdout, result.stderr


@contextmanager
def served(state: Path, *options: str) -> Iterator[str]:
    command = [sys.executable, "-m", "closedwon.cli", "--state", str(state), "serve", "--port", "0"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            assert process.wait(20) == 0


def test_a_token_is_printed_once_listed_without_its_secret_and_revoked(tmp_path: Path) -> None:
    code, secret, _ = run(tmp_path, "token", "create", "app", "--scope", "read")
    assert (code, secret.startswith("closedwon_")) == (0, True)

    listed = json.loads(run(tmp_path, "token", "list", "--format", "json")[1])
    assert [(one["name"], one["scopes"], one["revoked_at"]) for one in listed] == [
        ("app", ["read"], None)
    ]
    assert run(tmp_path, "token", "create", "app")[0] == 1
    assert run(tmp_path, "token", "revoke", "app")[0] == 0
    code, _, told = run(tmp_path, "token", "revoke", "app")
    assert (code, "no live token" in told) == (1, True)


@pytest.mark.parametrize(
    ("with_token", "options", "told"),
    [
        (False, [], "closedwon token create"),
        (True, ["--host", "0.0.0.0"], "--tls-certificate"),  # noqa: S104 what is refused
        (True, ["--now", "2024-01-01T00:00:00Z"], "--clock manual"),
        (True, ["--clock", "manual", "--now", "2024"], "--now"),
        (True, ["--tls-key", __file__], "go together"),
    ],
)
def test_g25_serve_refuses_what_is_not_safe(
    tmp_path: Path, *, with_token: bool, options: list[str], told: str
) -> None:
    if with_token:
        run(tmp_path, "token", "create", "app")

    code, _, error = run(tmp_path, "serve", "--port", "0", *options)

    assert (code, told in error) == (2, True)


def test_serve_answers_until_it_is_told_to_stop_and_keeps_what_it_took(tmp_path: Path) -> None:
    secret = run(tmp_path, "token", "create", "app")[1].strip()
    admin = run(tmp_path, "token", "create", "clock", "--scope", "admin")[1].strip()
    for clock in ([], ["--clock", "manual", "--now", "2024-01-01T00:00:00Z"]):
        with served(tmp_path, *clock) as url, httpx.Client(base_url=url) as client:
            client.headers["Authorization"] = f"Bearer {secret}"
            if not clock:
                made = client.post("/v1/customers", json={"name": "Acme"})
                assert made.status_code == 200
            assert [one["name"] for one in client.get("/v1/customers").json()["data"]] == ["Acme"]
            client.headers["Authorization"] = f"Bearer {admin}"
            moved = client.post("/closedwon/clock", json={"now": "2024-02-01T00:00:00Z"})
            assert moved.status_code == (200 if clock else 404)


def test_a_state_of_a_test_clock_is_never_billed_by_the_real_time(tmp_path: Path) -> None:
    admin = run(tmp_path, "token", "create", "clock", "--scope", "admin")[1].strip()
    manual = ("--clock", "manual", "--now", "2024-01-01T00:00:00Z")
    headers = {"Authorization": f"Bearer {admin}"}
    with served(tmp_path, *manual) as url, httpx.Client(base_url=url, headers=headers) as client:
        assert client.post("/closedwon/clock", json={"now": "2024-05-01T00:00:00Z"}).is_success
        second = run(tmp_path, "serve", "--port", "0", *manual)
        assert (second[0], "another closedwon process" in second[2]) == (6, True)

    for words in (("serve", "--port", "0"), ("sync",), ("run",)):
        code, _, told = run(tmp_path, *words)
        assert (code, "test clock" in told, "2024-05-01" in told) == (2, True, True), words
    code, _, told = run(tmp_path, "serve", "--port", "0", *manual)
    assert (code, "forward only" in told) == (2, True)
    with served(tmp_path, "--clock", "manual") as url:
        stands = httpx.get(f"{url}/closedwon/clock", headers=headers).json()["data"]
    assert stands == {"now": "2024-05-01T00:00:00+00:00"}
