"""The meter step with deliver: hourly growth, high water, refusals, the last call (R295-R298)."""

import json
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from billing.world import at, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.contracts.edits import ContractSettings, Create
from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.billing.contracts.hierarchy import Party
from closedwon.billing.invoices.types import Invoice
from closedwon.delivery import Outcome, Verdict
from closedwon.delivery.channel import RETRY_FOR
from closedwon.delivery.metering import MeterReport
from closedwon.delivery.meters import MeterChannel
from closedwon.engine.providers import configure
from closedwon.store.providers import ProviderConfiguration
from closedwon.sync.deliver import Deliver
from closedwon.sync.meter import Meter, collected
from delivery.invoices import issued

START, END = at("2024-01-01"), at("2024-03-01")
PROVIDER = "aws_marketplace"
IDS = {"aws_customer_id": "c1", "aws_product_code": "p1", "aws_region": "us-east-1"}


class Market:
    """Remembers reports and answers as told."""

    name = PROVIDER

    def __init__(self) -> None:
        self.reports: list[MeterReport] = []
        self.verdict = Verdict.DONE

    def report(self, report: MeterReport) -> Outcome:
        self.reports.append(report)
        return Outcome(verdict=self.verdict)


class Scene:
    """One customer on AWS Marketplace, its calls at 2 cents each, and a clock."""

    def __init__(self) -> None:
        self.world: Setup = setup()
        engine = self.world.engine
        add_catalog(engine, [usage("Calls")], [metric("Calls")], [rate("Calls", "2")])
        add_customer(engine)
        configuration = ProviderConfiguration(
            id="aws",
            customer_id="customer",
            billing_provider=PROVIDER,
            configuration=IDS,
            created_at=START,
        )
        configure(engine.stores, configuration, by="test", now=START)
        segment = ProviderSegment(
            effective_at=START, configuration_id="aws", billing_provider=PROVIDER
        )
        create = Create(
            customer_id="customer",
            term=span("2024-01-01", "2024-03-01"),
            rate_card_id="card",
            settings=ContractSettings(providers=(segment,)),
        )
        engine.create_contract("contract", create, by="test", now=START)
        self.market = Market()
        self.calls = 0

    def use(self, value: str, when: str) -> None:
        self.calls += 1
        one = event("customer", "Calls", at(when), Decimal(value), n=str(self.calls))
        self.world.usage.use(one)

    def run(self, now: str) -> list[int]:
        """Meter and deliver at ``now``; the quantities sent by it."""
        engine, instant, before = self.world.engine, at(now), len(self.market.reports)
        channel = MeterChannel(marketplace=self.market, stores=engine.stores)
        Meter(engine=engine, marketplaces=(PROVIDER,)).run(instant)
        Deliver(stores=engine.stores, channels=(channel,), clock=lambda: instant).run(instant)
        return [report.quantity for report in self.market.reports[before:]]

    def events(self) -> list[str]:
        kind = "marketplaces.aws_metering_disabled"
        return [one.body for one in self.world.engine.stores.events.after(0, 99, [kind])]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_r295_growth_is_reported_once_an_hour(scene: Scene) -> None:
    assert scene.run("2024-01-02T10:05") == []
    scene.use("6000", "2024-01-02T09:00")
    assert scene.run("2024-01-02T10:10") == [12000]
    scene.use("170", "2024-01-02T10:20")
    assert scene.run("2024-01-02T10:50") == []
    assert scene.run("2024-01-02T11:00") == [340]
    assert scene.run("2024-01-02T12:00") == []
    first, second = scene.market.reports
    assert (first.hour, second.hour) == (at("2024-01-02T10:00"), at("2024-01-02T11:00"))
    assert first.configuration == IDS
    assert first.key != second.key


def test_r296_a_falling_total_reports_nothing_until_it_is_higher(scene: Scene) -> None:
    scene.use("25000", "2024-01-02T09:00")
    assert scene.run("2024-01-02T10:00") == [50000]
    scene.use("-5000", "2024-01-02T10:00")
    assert scene.run("2024-01-02T11:00") == []
    scene.use("5000", "2024-01-02T11:00")
    assert scene.run("2024-01-02T12:00") == []
    scene.use("1", "2024-01-02T12:00")
    assert scene.run("2024-01-02T13:00") == [2]


def test_r295_finalization_and_the_next_period_change_nothing_but_the_growth(scene: Scene) -> None:
    scene.use("10", "2024-01-20")
    assert scene.run("2024-01-21") == [20]
    scene.world.engine.finalize(at("2024-02-03"))
    scene.use("5", "2024-02-02")
    assert scene.run("2024-02-03") == [10]


def test_r298_a_refused_report_goes_with_the_next_hour(scene: Scene) -> None:
    scene.use("10", "2024-01-02T09:00")
    scene.market.verdict = Verdict.REFUSED
    assert scene.run("2024-01-02T10:00") == [20]
    assert scene.run("2024-01-02T10:30") == []
    scene.market.verdict = Verdict.DONE
    scene.use("1", "2024-01-02T10:30")
    assert scene.run("2024-01-02T11:00") == [22]


def test_g15_a_report_nobody_knows_about_is_repeated_and_never_counted_twice(scene: Scene) -> None:
    scene.use("10", "2024-01-02T09:00")
    scene.market.verdict = Verdict.AGAIN
    assert scene.run("2024-01-02T10:00") == [20]
    scene.use("1", "2024-01-02T10:30")
    assert sorted(scene.run("2024-01-02T11:00")) == [2, 20]
    late = at("2024-01-02T11:00") + RETRY_FOR + timedelta(hours=1)
    scene.run(f"{late:%Y-%m-%dT%H:%M}")
    scene.market.verdict = Verdict.DONE
    later = late + timedelta(hours=1)
    assert scene.run(f"{later:%Y-%m-%dT%H:%M}") == []
    keys = {report.key for report in scene.market.reports}
    assert len(keys) == 2


def test_r297_r298_after_the_last_call_the_loss_is_told_once(scene: Scene) -> None:
    scene.use("10", "2024-02-28T09:00")
    assert scene.run("2024-03-01T00:15") == [20]
    scene.use("10", "2024-02-28T10:00")
    assert scene.run("2024-03-01T01:00") == []
    assert scene.run("2024-03-01T02:00") == []
    (told,) = scene.events()
    assert json.loads(told)["properties"] == {"customer_id": "customer", **IDS}


def test_r297_within_the_last_call_a_report_still_goes(scene: Scene) -> None:
    scene.use("10", "2024-02-28T09:00")
    assert scene.run("2024-03-01T00:15") == [20]
    assert scene.events() == []


def test_r103_contracts_without_the_marketplace_are_not_metered(scene: Scene) -> None:
    create = Create(customer_id="customer", term=span("2024-01-01"), rate_card_id="card")
    scene.world.engine.create_contract("other", create, by="test", now=START)
    scene.use("10", "2024-01-02T09:00")
    assert scene.run("2024-01-02T10:00") == [20]


def test_r290_r303_r304_what_others_pay_or_a_consolidated_invoice_holds_is_not_metered() -> None:
    def invoice(name: str, **more: object) -> Invoice:
        return msgspec.structs.replace(issued([]).invoice, id=name, **more)

    payer = Party(customer_id="parent", contract_id="parents")
    listed = [
        invoice("plain"),
        invoice("part"),
        invoice("whole", constituents=("part", "other")),
        invoice("childs", payer=payer),
        invoice("unbillable", is_billable=False),
    ]
    assert [one.id for one in collected(listed)] == ["plain", "whole"]
