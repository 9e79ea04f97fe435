"""docs/sql-metrics.md says what is so."""

import re
from pathlib import Path

import pytest
import yaml

from closedwon.usage.sql.evaluate import GROUPS_MAX
from closedwon.usage.sql.parse import DEPTH_MAX, LENGTH_MAX, query_of

GUIDE = (Path(__file__).parents[3] / "docs" / "sql-metrics.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("sql", blocks("sql"))
def test_r38_every_query_of_the_guide_is_allowed(sql: str) -> None:
    assert query_of(sql).names[query_of(sql).value] == "value"


def test_r38_the_catalogue_of_the_guide_groups_by_what_its_query_offers() -> None:
    (found,) = (yaml.safe_load(block) for block in blocks("yaml"))
    keys = query_of(found["metrics"][0]["sql"]).group_keys
    assert tuple(found["products"][0]["presentation_group_key"]) == keys


def test_r38_the_limits_of_the_guide_are_the_real_ones() -> None:
    assert f"{LENGTH_MAX:,} characters; {GROUPS_MAX:,} groups" in GUIDE
    assert f"up to {DEPTH_MAX} inside one another" in GUIDE


@pytest.mark.parametrize("name", re.findall(r"`([A-Z]+)\(", GUIDE))
def test_r38_every_function_of_the_guide_exists(name: str) -> None:
    written = {
        "COUNT": "COUNT(*)",
        "ROUND": "ROUND(SUM(properties.n), 1)",
        "CAST": "CAST(SUM(properties.n) AS INTEGER)",
        "DATE_TRUNC": "COUNT(DISTINCT DATE_TRUNC('day', timestamp))",
    }.get(name, f"{name}(properties.n)")
    assert query_of(f"SELECT {written} AS value FROM events").value == 0
