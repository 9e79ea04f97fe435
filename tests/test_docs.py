"""Documents that can be wrong are checked: links, pages, examples, the unit file."""

import configparser
import re
from pathlib import Path

import pytest

from closedwon.deals.mapping import (
    MappingError,
    coverage,
    lint,
    load_fixture,
    load_mapping,
    run_fixture,
)
from closedwon.deals.types import Severity
from closedwon.settings import load_settings
from closedwon.wiring.mappings import builtin_schema

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "node_modules", ".git", "demo-out"} & set(path.relative_to(ROOT).parts)
)
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    missing = [
        target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()
    ]

    assert missing == []


def _blocks(language: str) -> list[str]:
    guide = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)


def test_generated_pages_are_what_the_source_says() -> None:
    from closedwon.cli.docs.pages import pages

    stale = [
        name
        for name, text in pages().items()
        if (ROOT / "docs" / name).read_text(encoding="utf-8") != text
    ]

    assert stale == [], "run `make docs`"


def test_the_rule_quoted_in_the_mapping_guide_is_the_shipped_one() -> None:
    quoted = _blocks("yaml")[0]
    shipped = (ROOT / "mappings" / "cpq.yaml").read_text()

    assert quoted.startswith("  - id: rate-discount\n")
    assert all(line in shipped.splitlines() for line in quoted.splitlines())


def test_the_mapping_of_the_guide_passes_the_tests_of_the_guide() -> None:
    _, written, fixture = _blocks("yaml")

    mapping = load_mapping(written, "my-mapping.yaml", builtin_schema(), {})
    found = run_fixture(mapping, load_fixture(fixture, "tests/products.yaml", mapping))

    assert [one.code for one in lint(mapping) if one.severity is Severity.PARK] == []
    assert [one.differences for one in found.cases] == [(), (), ()]
    assert coverage(mapping, [found]).never == ()


def test_the_mistake_the_guide_shows_is_told_as_it_says() -> None:
    (shown,) = _blocks("text")
    written = _blocks("yaml")[1].replace("start: Opportunity.CloseDate", "start: CloseDate")

    with pytest.raises(MappingError) as raised:
        load_mapping(written, "my-mapping.yaml", builtin_schema(), {})

    assert [f"{problem}\n" for problem in raised.value.problems] == [shown]


def _unit() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "closedwon.service")
    return unit["Service"]


def test_the_unit_starts_the_daemon_with_a_state_of_its_own() -> None:
    service = _unit()

    assert service["ExecStart"].endswith("closedwon.toml run")
    assert service["Environment"] == f"CLOSEDWON_STATE_DIR=/var/lib/{service['StateDirectory']}"
    assert service["DynamicUser"] == "yes"


def test_the_credential_of_the_unit_is_read_as_the_client_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, file = _unit()["LoadCredential"].partition(":")
    assert file == f"/etc/closedwon/credentials/{name}"
    (tmp_path / name).write_text("opens the org")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert load_settings().salesforce_client_secret.get_secret_value() == "opens the org"


def test_the_image_runs_as_nobody_special() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    user = max(at for at, line in enumerate(lines) if line.startswith("USER "))

    assert lines[user] == "USER closedwon"
    assert user < lines.index('ENTRYPOINT ["/opt/closedwon/bin/closedwon"]')
