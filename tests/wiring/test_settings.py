"""Settings: where they come from, and what a wrong one says."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from closedwon.cli.org import serve
from closedwon.kernel.errors import ConfigError
from closedwon.settings import Settings, load_settings
from closedwon.wiring import share


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "closedwon.toml"
    file.write_text("poll_seconds = 30\npush_seconds = 40\ngo_live = 2024-01-01T00:00:00Z\n")
    monkeypatch.setenv("CLOSEDWON_POLL_SECONDS", "20")

    found = load_settings(file, push_seconds=10)

    assert (found.poll_seconds, found.push_seconds) == (20, 10)
    assert found.go_live == datetime(2024, 1, 1, tzinfo=UTC)


def test_yaml_is_read_as_well_and_found_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closedwon.yaml").write_text("environment: production\n")
    monkeypatch.chdir(tmp_path)

    assert load_settings().environment == "production"


def test_secrets_come_from_a_directory_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closedwon_salesforce_client_secret").write_text("from-a-file")
    monkeypatch.setenv("CLOSEDWON_SECRETS_DIR", str(tmp_path))

    assert load_settings().salesforce_client_secret.get_secret_value() == "from-a-file"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("poll_second = 5\n", "there is no setting 'poll_second'"),
        ("poll_seconds = 1\n", "poll_seconds: Input should be greater than or equal to 5"),
        ("go_live = 2024-01-01\n", "go_live: Input should have timezone info"),
        ("poll_seconds = \n", "Invalid value (at line 1, column 16)"),
    ],
)
def test_a_wrong_file_names_file_and_setting(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "closedwon.toml"
    file.write_text(text)

    with pytest.raises(ConfigError) as error:
        load_settings(file)

    assert str(file) in str(error.value)
    assert told in str(error.value)


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSEDWON_POL_SECONDS", "5")

    with pytest.raises(ConfigError, match="CLOSEDWON_POL_SECONDS: there is no setting"):
        load_settings()


def test_the_secret_of_the_local_org_may_stand_in_the_same_shell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    option = next(p for p in serve.params if p.name == "client_secret")
    assert isinstance(option.envvar, str)
    monkeypatch.setenv(option.envvar, "opens the local org")

    assert load_settings().salesforce_client_id == ""


def test_no_message_or_repr_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSEDWON_SALESFORCE_PASSWORD", "hunter2-canary")
    assert "hunter2" not in repr(load_settings())
    monkeypatch.setenv("CLOSEDWON_SALESFORCE_GRANT", "hunter2-canary")

    with pytest.raises(ConfigError) as error:
        load_settings()

    assert "hunter2" not in str(error.value)


def test_the_example_file_names_every_setting_with_its_default() -> None:
    example = share() / "config" / "closedwon.example.toml"

    assert load_settings(example) == Settings()
    named = set(re.findall(r"(?m)^(?:# )?([a-z_]+) = ", example.read_text()))
    assert named == set(Settings.model_fields)


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
