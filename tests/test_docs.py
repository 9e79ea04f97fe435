"""Documents that can be wrong are checked: links, the rules they quote, the unit file."""

import configparser
import re
from pathlib import Path

import pytest

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


def test_the_rule_quoted_in_the_mapping_guide_is_the_shipped_one() -> None:
    (quoted,) = re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs" / "mapping.md").read_text(), re.DOTALL
    )
    shipped = (ROOT / "mappings" / "cpq.yaml").read_text()

    assert all(line in shipped.splitlines() for line in quoted.splitlines())


def test_the_unit_starts_the_daemon_with_a_state_of_its_own() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "closedwon.service")

    assert unit["Service"]["ExecStart"].endswith("closedwon.toml run")
    assert unit["Service"]["StateDirectory"] == "closedwon"
    assert unit["Service"]["DynamicUser"] == "yes"


def test_the_image_runs_as_nobody_special() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    user = max(at for at, line in enumerate(lines) if line.startswith("USER "))

    assert lines[user] == "USER closedwon"
    assert user < lines.index('ENTRYPOINT ["/opt/closedwon/bin/closedwon"]')
