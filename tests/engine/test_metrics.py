"""Billable metrics as commands: SQL checked on creation, renamed, archived (R37, R38)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from billing.world import EPOCH, at, metric, rate, span, usage_product
from build import add_customer
from closedwon.billing.catalog.types import Metric, RateCard
from closedwon.billing.contracts.edits import Create
from closedwon.engine import Engine
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.store.database import open_database
from closedwon.store.migrations import migrate
from closedwon.usage import UsageLog
from closedwon.usage.options import UsageOptions
from closedwon.usage.types import UsageEvent

NOW = at("2024-01-20")
PEAKS = (
    "SELECT SUM(peak) AS value, region FROM (SELECT MAX(properties.n) AS peak, properties.region"
    " AS region, DATE_TRUNC('day', timestamp) AS day FROM events GROUP BY region, day)"
    " GROUP BY region"
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    db = open_database(":memory:")
    migrate(db)
    usage = UsageLog(tmp_path, UsageOptions(backdating_days=None))
    yield Engine(db, usage)
    usage.close()


def sql_metric(sql: str = PEAKS, **more: object) -> Metric:
    return Metric(**{"id": "m-Peak", "name": "Peak", "sql": sql, "created_at": EPOCH, **more})  # type: ignore[arg-type]


def test_r38_a_sql_metric_is_kept_with_its_columns_as_group_key(engine: Engine) -> None:
    engine.create_metric(sql_metric(), NOW)
    engine.create_metric(sql_metric(), NOW)

    assert engine.catalog().metrics["m-Peak"] == sql_metric(group_keys=(("region",),))
    engine.create_product(usage_product("Peak", presentation_group_key=("region",)), NOW)
    wrong = usage_product("Other", metric_id="m-Peak", pricing_group_key=("zone",))
    with pytest.raises(Refused, match="R35"):
        engine.create_product(wrong, NOW)


def test_r38_sql_that_is_not_allowed_creates_nothing(engine: Engine) -> None:
    with pytest.raises(
        Refused, match=r"line 1, column 12: unknown column n; expected properties\.n"
    ):
        engine.create_metric(sql_metric("SELECT SUM(n) FROM events"), NOW)
    with pytest.raises(Refused, match="columns beside the quantity"):
        engine.create_metric(sql_metric(group_keys=(("zone",),)), NOW)
    assert engine.catalog().metrics == {}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"sql": PEAKS, "aggregation": "COUNT"},
        {"sql": PEAKS, "event_types": ("call",)},
        {"sql": PEAKS, "key": "n"},
    ],
)
def test_r38_a_metric_is_either_sql_or_streaming(fields: dict[str, object]) -> None:
    with pytest.raises(Refused, match="sql"):
        Metric(id="m", name="m", created_at=EPOCH, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        ("HOUR", [("1", "10", None), ("12", "10", "eu"), ("9", "20", "eu")]),
        ("SERVICE_PERIOD", [("1", "20", None), ("21", "20", "eu")]),
    ],
)
def test_r38_r39_sql_usage_is_billed_per_group_at_the_price_of_its_granularity(
    engine: Engine, granularity: str, expected: list[tuple[str, str, str | None]]
) -> None:
    """Peaks 5 and 7 before the price rises, 9 after it; both regions on one invoice."""
    engine.create_metric(sql_metric(), EPOCH)
    grouped = {"presentation_group_key": ("region",), "sql_granularity": granularity}
    engine.create_product(usage_product("Peak", **grouped), EPOCH)
    rates = (
        rate("Peak", "10", span("2020-01-01", "2024-01-15")),
        replace(rate("Peak", "20", span("2024-01-15")), id="later"),
    )
    engine.create_rate_card(RateCard(id="card", name="C", rates=rates, created_at=EPOCH), EPOCH)
    add_customer(engine)
    create = Create(customer_id="customer", term=span("2024-01-01"), rate_card_id="card")
    engine.create_contract("k", create, by="test", now=EPOCH)
    assert isinstance(engine.usage, UsageLog)
    engine.usage.ingest(
        [
            UsageEvent(
                transaction_id=str(number),
                customer_id="customer",
                event_type="peak",
                timestamp=at(day),
                properties={"n": value, **({"region": region} if region else {})},
            )
            for number, (day, value, region) in enumerate(
                [
                    ("2024-01-02", "5", "eu"),
                    ("2024-01-02", "3", "eu"),
                    ("2024-01-03", "7", "eu"),
                    ("2024-01-16", "9", "eu"),
                    ("2024-01-03", "1", None),
                ]
            )
        ],
        NOW,
    )
    (invoice,) = engine.bill("customer", NOW).invoices
    told = [
        (str(line.quantity), str(line.unit_price), line.presentation_group_values["region"])
        for line in invoice.lines
    ]
    assert sorted(told, key=str) == expected
    assert engine.finalize(at("2024-02-03")).invoices == 1
    (final,) = engine.invoices("customer")
    assert (final.lines, final.total) == (invoice.lines, invoice.total)


def test_r37_only_the_name_of_a_metric_changes(engine: Engine) -> None:
    engine.create_metric(metric("Storage"), NOW)
    engine.rename_metric("m-Storage", "Storage, GB", NOW)

    assert engine.catalog().metrics["m-Storage"] == replace(metric("Storage"), name="Storage, GB")
    engine.create_metric(metric("Storage"), NOW)
    assert engine.catalog().metrics["m-Storage"].name == "Storage, GB"
    with pytest.raises(Conflict):
        engine.create_metric(metric("Storage", event_types=("other",)), NOW)
    with pytest.raises(Refused, match="needs a name"):
        engine.rename_metric("m-Storage", "", NOW)
    with pytest.raises(NotFound):
        engine.rename_metric("m-Other", "x", NOW)


def test_r37_an_archived_metric_serves_its_products_but_no_new_one(engine: Engine) -> None:
    engine.create_metric(metric("Storage"), NOW)
    product = usage_product("Storage")
    engine.create_product(product, NOW)
    engine.archive_metric("m-Storage", NOW)
    engine.archive_metric("m-Storage", at("2024-02-01"))

    assert engine.catalog().metrics["m-Storage"].archived_at == NOW
    renamed = replace(product.versions[0], name="Space", starting_at=at("2024-02-01"))
    engine.update_product(product.id, renamed, NOW)
    with pytest.raises(Refused, match="archived"):
        engine.create_product(usage_product("Other", metric_id="m-Storage"), NOW)
    with pytest.raises(NotFound):
        engine.archive_metric("m-Other", NOW)
