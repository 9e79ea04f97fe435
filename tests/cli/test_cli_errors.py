"""Exit codes and messages when something is not as it should be."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from closedwon.cli import COMMANDS, main
from closedwon.wiring.lock import writer_lock


def run(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(main, list(words))
    return found.exit_code, found.output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_loads_and_explains_itself(name: str) -> None:
    code, told = run(name, "--help")

    assert code == 0
    assert told.startswith(f"Usage: main {name}")


def test_a_wrong_setting_names_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOSEDWON_POLL_SECONDS", "soon")

    code, told = run("--state", str(tmp_path), "status")

    assert code == 2
    assert "CLOSEDWON_POLL_SECONDS: poll_seconds: Input should be a valid integer" in told


def test_a_configuration_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, told = run("--config", str(tmp_path / "none.toml"), "status")

    assert (code, "there is no configuration file" in told) == (2, True)


def test_without_credentials_the_missing_variables_are_named(tmp_path: Path) -> None:
    code, told = run("--state", str(tmp_path), "sync")

    assert code == 2
    assert "CLOSEDWON_SALESFORCE_CLIENT_ID" in told


def test_a_second_process_on_the_same_state_is_refused(tmp_path: Path) -> None:
    with writer_lock(tmp_path):
        code, told = run("--state", str(tmp_path), "sync")

    assert code == 6
    assert "another closedwon process runs the line" in told


def test_a_mapping_with_a_mistake_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("name: broken\nsource: {root: Oportunity, trigger: x, children: {}}\n")

    code, told = run("mapping", "lint", str(file), "--offline")

    assert code == 2
    assert "broken.yaml:2:16" in told
    assert "Opportunity" in told


def test_the_shipped_mapping_passes_its_own_tests_offline() -> None:
    code, told = run("mapping", "test", "--offline")

    assert code == 0
    assert "FAILED" not in told
