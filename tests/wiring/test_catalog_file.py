"""SQL metrics in a catalogue file, measured by the store the application opens."""

from decimal import Decimal
from pathlib import Path

import pytest

from billing.world import at
from build import EPOCH, setup
from closedwon.billing.pricing import Flat, Percentage
from closedwon.kernel.errors import ConfigError, Refused
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


EVERYTHING = """
starting_on: 2025-01-01
units: [{id: ccu, name: Compute credits}]
metrics:
  - {id: calls, aggregation: SUM, events: [call], property: n, filters: [{name: n, exists: true}]}
products:
  - {id: calls, name: Calls, metric: calls, conversion: {factor: 1024, divide: true},
     rounding: {method: ROUND_UP, decimal_places: 0}}
  - {id: seats, name: Seats, subscription: true}
  - {id: support, name: Support, composite: {product_ids: [calls]}}
  - {id: setup, name: Setup}
rate_cards:
  - id: eur
    name: Europe
    aliases: [europe]
    currency: EUR
    conversions: {ccu: 0.1}
    rates:
      - {product: calls, unit: ccu, price: 3, commit: {price: 2}}
      - {product: seats, price: 29, billing_frequency: MONTHLY}
      - {product: seats, price: 290, billing_frequency: ANNUAL}
      - {product: support, percentage: 0.1, minimum: 20}
"""


def test_r64_r66_r71_r138_r249_a_file_can_say_what_the_engine_can_bill(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(EVERYTHING)
    engine, _, _ = setup()

    for _ in range(2):
        load_catalog(engine, read_catalog(file), EPOCH)

    catalog = engine.catalog()
    card = catalog.rate_cards["eur"]
    assert catalog.credit_types[card.fiat_credit_type_id].currency == "EUR"
    assert [rate.price for rate in card.rates if rate.product_id == "seats"] == [
        Flat(price=Decimal(29)),
        Flat(price=Decimal(290)),
    ]
    assert card.rates[0].commit_price == Flat(price=Decimal(2))
    assert card.rates[3].price == Percentage(fraction=Decimal("0.1"), minimum=Decimal(20))
    assert {product.id: product.type.value for product in catalog.products.values()} == {
        "calls": "USAGE",
        "seats": "SUBSCRIPTION",
        "support": "COMPOSITE",
        "setup": "FIXED",
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("currency: EUR", "currency: XXX", "no such currency"),
        ("percentage: 0.1, minimum: 20", "minimum: 20", "a rate gives one of"),
        ("unit: ccu, price: 3", "unit: ccu, price: 3, minimum: 2", "R66"),
        ("subscription: true", "subscription: true, metric: calls", "a product has a metric, or"),
    ],
)
def test_a_mistake_in_a_catalogue_says_what_was_expected(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(EVERYTHING.replace(old, new))
    engine, _, _ = setup()

    with pytest.raises(ConfigError, match=said):
        load_catalog(engine, read_catalog(file), EPOCH)
