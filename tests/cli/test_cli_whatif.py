"""``whatif``: terms of a file against today's, as people run it."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from billing.world import at
from build import infrax, setup
from cli.cli_kit import Office
from closedwon.devorg.org import Org
from closedwon.devorg.schema import org_schema
from closedwon.store.database import close
from closedwon.usage import open_usage
from closedwon.usage.types import UsageEvent
from closedwon.wiring import share

NOW = at("2024-03-02")
PROPOSAL = """
customer: customer
rate_card: card
starting_at: 2024-04-01
ending_before: 2025-04-01
commits:
  - name: Prepaid
    product: p-commit
    access: [{amount: 5000, starting_at: 2024-04-01, ending_before: 2025-04-01}]
    payments: [{amount: 4000, on: 2024-04-01}]
overrides:
  - {multiplier: 0.5, tags: [storage]}
"""


def used(day: str) -> UsageEvent:
    """100,000 units of Storage, at 2.3 cents each."""
    return UsageEvent(
        transaction_id=day,
        customer_id="customer",
        event_type="Storage",
        timestamp=at(day),
        properties={"value": "100000"},
    )


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    (tmp_path / "state").mkdir()
    world = setup(str(tmp_path / "state" / "state.db"))
    infrax(world.engine, world.usage)
    while world.engine.finalize(NOW).remaining:
        pass
    close(world.db)
    with closing(open_usage(tmp_path / "state" / "usage")) as log:
        log.ingest(
            [used(month) for month in ("2023-12-05", "2024-01-05", "2024-02-05")], NOW, any_age=True
        )
    org = Org.open(":memory:", org_schema(share() / "salesforce"), lambda: NOW)
    yield Office(org, tmp_path / "state", [NOW])
    org.close()


def test_a_contract_file_is_priced_beside_todays_terms(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "proposal.yaml"
    file.write_text(PROPOSAL)

    rows = tmp_path / "rows.json"
    told = office.run(
        "whatif", "--contract-file", str(file), "--months", "3", "--format", "json", "-o", str(rows)
    )

    months = json.loads(rows.read_text())
    assert [row["month"] for row in months] == ["2024-04", "2024-05", "2024-06"]
    assert [row["scheduled"] for row in months] == [4000, 0, 0]
    assert [row["price"] for row in months] == [1150, 1150, 1150]
    assert [row["left"] for row in months] == [3850, 2700, 1550]
    assert "proposed        4,000.00 USD to pay in these months  rates 50.00% off list" in told


def test_two_questions_at_once_are_a_usage_error(office: Office) -> None:
    assert "--opportunity or --contract-file" in office.run("whatif", expect=2)


def test_a_mistake_in_the_file_names_the_place(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "proposal.yaml"
    file.write_text(PROPOSAL.replace("amount: 5000", "amount: lots"))

    told = office.run("whatif", "--contract-file", str(file), expect=2)

    assert "$.commits[0].access[0].amount" in told
