"""SQL metrics in a catalogue file, measured by the store the application opens."""

from pathlib import Path

import pytest

from billing.world import at
from closedwon.kernel.errors import Refused
from closedwon.settings import Settings
from closedwon.wiring.app import build
from closedwon.wiring.catalog import load_catalog, read_catalog

NOW = at("2024-01-20")
FILE = """
starting_on: 2024-01-01
metrics:
  - id: peak
    sql: |
      SELECT MAX(properties.n) AS value, properties.region AS region
      FROM events
      WHERE {condition}
      GROUP BY region
products:
  - {{id: p-peak, name: Peak, metric: peak, presentation_group_key: [region], sql_granularity: HOUR}}
"""


def written(tmp_path: Path, condition: str) -> Path:
    path = tmp_path / "catalog.yaml"
    path.write_text(FILE.format(condition=condition))
    return path


def test_r38_r39_a_catalogue_file_may_hold_sql_metrics(tmp_path: Path) -> None:
    app = build(Settings(state_dir=tmp_path / "state"))
    path = written(tmp_path, "event_type = 'load'")
    for _ in range(2):
        load_catalog(app.engine, read_catalog(path), NOW)
    found = app.engine.catalog()
    assert found.metrics["peak"].group_keys == (("region",),)
    assert found.products["p-peak"].versions[0].sql_granularity == "HOUR"
    app.close()


def test_r38_a_catalogue_file_with_sql_that_is_not_allowed_is_refused(tmp_path: Path) -> None:
    app = build(Settings(state_dir=tmp_path / "state"))
    path = written(tmp_path, "customer_id = 'acme'")
    with pytest.raises(Refused, match="line 3, column 7: unknown column customer_id"):
        load_catalog(app.engine, read_catalog(path), NOW)
    app.close()


@pytest.mark.parametrize("retroactive", [False, True])
def test_r27_whether_metrics_reach_back_is_a_setting(tmp_path: Path, *, retroactive: bool) -> None:
    settings = Settings(state_dir=tmp_path / "state", usage_metrics_retroactive=retroactive)
    app = build(settings)
    assert app.usage.options.metrics_retroactive is retroactive
    app.close()
