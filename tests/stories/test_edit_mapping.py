"""An edit of the mapping file reaches the deals it means, and no other."""

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from closedwon.cli.demo.world import World, opened
from closedwon.store.database import writing
from closedwon.store.line.release import release
from closedwon.wiring import share
from stories.cpq import Quoted, commit_line, line, product, quoted
from stories.kit import at, create, open_widgets

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("mapping")]
D = Decimal
START, END = "2025-01-01", "2025-12-31"
OLD = "on: BLANKVALUE(Invoice_Date__c, Starts_On)"
NEW = "on: BLANKVALUE(Invoice_Date__c, Starts_On + 30)"
POLICY = "edited_after_close: hold"


class Town:
    """Two deals with a commit only, two that sell a one-time set-up as well."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.mapping = Path(shutil.copytree(share() / "mappings", folder / "mappings")) / "cpq.yaml"
        open_widgets(world)
        commit = product(world, "CLOUD-COMMIT", "Cloud Commit")
        setup = product(world, "SETUP", "Set-up")
        self.plain = [self._sold(name, [_commit(commit)]) for name in ("Acme", "Brill")]
        set_up = line(setup, START, END, SBQQ__NetPrice__c=750, SBQQ__ChargeType__c="One-Time")
        self.set_up = [self._sold(name, [_commit(commit), set_up]) for name in ("Cargo", "Delta")]
        world.sync()

    def _sold(self, name: str, lines: list[object]) -> Quoted:
        account = create(self.world, "Account", Name=name)
        quote = {"SBQQ__StartDate__c": START, "SBQQ__EndDate__c": END}
        deal = quoted(self.world, account, name, quote=quote, lines=lines)  # type: ignore[arg-type]
        self.world.change("Opportunity", deal.opportunity_id, StageName="Closed Won")
        return deal

    def rewrite(self, old: str, new: str) -> None:
        """Edit the file in force and start again with it, as a person would."""
        text = self.mapping.read_text()
        assert text.count(old) == 1
        self.mapping.write_text(text.replace(old, new))
        self.restart()

    def restart(self) -> None:
        """A new process with the copied mapping."""
        self.world.app.close()
        self.world.settings = self.world.settings.model_copy(update={"mapping": self.mapping})
        self.world.reopened()

    def billed(self, deals: list[Quoted]) -> list[str]:
        """What billing holds for deals."""
        app = self.world.app
        rows = [app.store.deals.get(deal.opportunity_id) for deal in deals]
        return [app.engine.digest(row.contract_id or "") for row in rows]

    def set_up_days(self) -> set[str]:
        """Days on which a set-up is invoiced."""
        app = self.world.app
        found = set()
        for deal in self.set_up:
            row = app.store.deals.get(deal.opportunity_id)
            (charge,) = app.engine.contract(row.contract_id or "").charges
            found |= {item.timestamp.date().isoformat() for item in charge.items}
        return found

    def codes(self, deals: list[Quoted]) -> list[list[str]]:
        """Why deals are parked."""
        store = self.world.app.store
        return [[row.code for row in store.parked.open(deal.opportunity_id)] for deal in deals]


def _commit(product_id: str) -> object:
    return commit_line(product_id, 10_000, START, END, Applicable_Tags__c="cloud")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with opened(tmp_path / "state", at("2024-12-10T09:00:00")) as world:
        yield Town(world, tmp_path)


def test_the_same_rules_in_another_file_change_nothing(town: Town) -> None:
    before = town.world.app.engine.content_hash()
    town.restart()
    town.rewrite("# What the terms bill", "# What the terms of a deal bill")

    reports = town.world.sync()

    assert town.world.app.engine.content_hash() == before
    assert {r.step: r.done for r in reports}["push"] == 0
    assert town.world.app.store.deals.check().provisioned == 4


def test_only_deals_the_edit_means_are_held_and_a_release_applies_it(town: Town) -> None:
    world, plain, billed = town.world, town.billed(town.plain), town.world.app.engine.content_hash()
    assert town.set_up_days() == {START}
    town.rewrite(OLD, NEW)
    world.sync()

    assert town.codes(town.set_up) == [["edited_after_close"], ["edited_after_close"]]
    assert town.codes(town.plain) == [[], []]
    assert world.app.engine.content_hash() == billed

    with writing(world.app.db):
        for deal in town.set_up:
            release(world.app.store, deal.opportunity_id, "rita", world.now)
    world.sync()

    assert town.set_up_days() == {"2025-01-31"}
    assert town.billed(town.plain) == plain
    assert world.app.store.deals.check().provisioned == 4


def test_a_policy_may_let_an_edit_of_the_mapping_through(town: Town) -> None:
    plain = town.billed(town.plain)
    town.rewrite(POLICY, "edited_after_close: apply")
    town.world.sync()
    town.rewrite(OLD, NEW)
    town.world.sync()

    assert town.set_up_days() == {"2025-01-31"}
    assert town.billed(town.plain) == plain
    assert town.codes(town.set_up) == [[], []]


def test_an_older_mapping_goes_on_ruling_the_deals_of_its_time(town: Town) -> None:
    billed = town.world.app.engine.content_hash()
    newer = town.mapping.with_name("cpq-2025.yaml")
    text = town.mapping.read_text().replace(OLD, NEW)
    newer.write_text(text.replace("name: cpq\n", "name: cpq\neffective_from: 2025-01-01\n"))
    town.world.app.close()
    chosen = {"mapping": newer, "older_mappings": (town.mapping,)}
    town.world.settings = town.world.settings.model_copy(update=chosen)
    town.world.reopened()

    town.world.sync()

    assert town.set_up_days() == {START}
    assert town.world.app.engine.content_hash() == billed
    assert town.world.app.store.deals.check().provisioned == 4
