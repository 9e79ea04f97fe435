"""The commands around a remote target, and what the others say of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.live import running
from closedwon.cli import main
from closedwon.cli.session import Session
from closedwon.store.tokens import Scope

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with running(tmp_path / "there") as server:
        monkeypatch.setenv("CLOSEDWON_TARGET", "metronome")
        monkeypatch.setenv("CLOSEDWON_TARGET_URL", f"{server.url}/")
        monkeypatch.setenv("CLOSEDWON_TARGET_TOKEN", server.secret(Scope.READ, Scope.WRITE))
        yield tmp_path / "here"


def run(state: Path, *words: str) -> tuple[int, str]:
    session = Session(lambda: NOW, lambda _seconds: None)
    found = CliRunner().invoke(main, ["--state", str(state), *words], obj=session)
    return found.exit_code, found.output


def test_doctor_and_status_say_who_bills(here: Path) -> None:
    code, told = run(here, "doctor", "--offline")

    assert code == 0
    assert "ok     target: http://127.0.0.1" in told
    assert "billed by metronome: 0 plans begun there" in run(here, "status")[1]


def test_the_target_is_asked_with_our_token(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(here, "target", "check")[0] == 0
    monkeypatch.setenv("CLOSEDWON_TARGET_TOKEN", "wrong-secret")
    code, told = run(here, "target", "check")

    assert code == 4
    assert "the target refused our token" in told
    assert "wrong-secret" not in told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TARGET_TOKEN", "", "needs the setting target_token"),
        ("TARGET_URL", "", "needs the setting target_url"),
        ("TARGET_URL", "http://billing.example.com", "https only"),
        ("TARGET_URL", "https://me:hush@billing.example.com", "without user"),
        ("TARGET_URL", "https://billing.example.com/?token=hush", "without user"),
        ("TARGET", "embedded", "set target to metronome"),
    ],
)
def test_a_target_that_cannot_work_is_a_setting_to_fix(
    name: str, value: str, told: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CLOSEDWON_{name}", value)
    code, output = run(here, "target", "check")

    assert code == 2
    assert told in output
    assert "hush" not in output


def test_only_contracts_of_ours_can_be_accepted(here: Path) -> None:
    code, told = run(here, "target", "accept", "nobody")

    assert code != 0
    assert "nobody" in told
