"""The HTTP target when answers are lost, the remote is busy, or somebody else was there (G1, G15)."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from sqlite_utils import Database

from closedwon.billing.contracts.edits import ChangeEnd, Revise
from closedwon.engine import Engine
from closedwon.kernel.errors import AuthFailed, Conflict, Refused, RetryLater
from closedwon.store.database import open_database
from closedwon.store.tokens import Scope
from closedwon.testing.target_conformance import MORE, edit
from closedwon.testing.target_world import ACCOUNT, CONTRACT, at, new_deal, signed
from targets.worlds import RemoteWorld, remote_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RemoteWorld]:
    with remote_world(tmp_path) as found:
        yield found


def busy(status: int, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return httpx.Response(status, headers=named, json={"message": "not now"})


def writes_of_a_new_deal(world: RemoteWorld) -> int:
    world.carry_out(new_deal())
    return len(world.weather.writes)


def test_r8_every_write_carries_an_idempotency_key_and_what_makes_terms_a_uniqueness_key(
    world: RemoteWorld,
) -> None:
    world.carry_out(new_deal())
    world.carry_out(edit(world, MORE))
    writes = world.weather.writes
    keys = [one.headers.get("Idempotency-Key", "") for one in writes]

    assert len(writes) > 4
    assert all(re.fullmatch(r"[0-9a-f-]{36}", key) for key in keys)
    assert len(set(keys)) == len(keys)
    making = ("/v1/contracts/create", "/v2/contracts/edit")
    made = [one for one in writes if one.url.path in making]
    assert [b'"uniqueness_key":' in one.content for one in made] == [True, True]


@pytest.mark.parametrize("what", ["lost", "cut"])
@pytest.mark.parametrize("number", range(4))
def test_g15_an_answer_lost_or_never_given_repeats_nothing(
    number: int, what: str, world: RemoteWorld
) -> None:
    """Whichever write it is: keys, the customer, the contract. What was done is not asked again."""
    world.weather.answers = ["fine"] * number + [what]
    world.carry_out(new_deal())

    paths = [one.url.path for one in world.weather.writes]
    asked = (paths.count("/v1/customers"), paths.count("/v1/contracts/create"))
    assert world.weather.answers == []
    assert asked == ((1 + (number == 1), 1 + (number == 3)) if what == "cut" else (1, 1))
    assert world.made() == (1, 1, 0)
    assert world.target.begun() == ()


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"data": {}}', b"<html>welcome</html>"])
def test_g15_an_answer_that_is_not_the_remotes_own_says_nothing(
    body: bytes, world: RemoteWorld
) -> None:
    """Something between us said that all is well; whether it is, is looked up."""
    strange = httpx.Response(200, content=body)
    world.weather.answers = ["fine", strange, "fine", "fine", strange, "fine"]
    world.carry_out(new_deal())

    assert world.weather.answers == []
    assert world.made() == (1, 1, 0)


def test_a_question_that_is_not_answered_by_the_remote_itself_is_no_fault_of_the_deal(
    world: RemoteWorld,
) -> None:
    world.weather.reads = httpx.Response(200, content=b"{}")
    with pytest.raises(RetryLater, match="has no data in it"):
        world.carry_out(new_deal())

    world.weather.reads = None
    assert world.carry_out(new_deal())


def test_four_writes_make_a_new_deal(world: RemoteWorld) -> None:
    """So that the test above really meets each of them."""
    assert writes_of_a_new_deal(world) == 4


def test_a_remote_away_for_long_leaves_the_plan_to_be_finished(world: RemoteWorld) -> None:
    """It did the edit and was away before it said so; a new process finds that out."""
    world.carry_out(new_deal())
    plan = edit(world, MORE)
    world.weather.answers = ["fine", "gone"]
    with pytest.raises(RetryLater, match="did not answer"):
        world.carry_out(plan)
    assert world.target.begun() == (plan,)
    world.weather.is_away = False
    with pytest.raises(RetryLater, match="not finished"):
        world.carry_out(edit(world, ChangeEnd(ending_before=at("2024-10-01"))))

    world.target = world.remote_target()
    assert world.carry_out(plan)
    assert world.made() == (1, 1, 1)
    assert not world.carry_out(plan)
    assert world.target.begun() == ()


def test_r7_what_was_done_is_found_when_idempotency_keys_are_long_forgotten(
    world: RemoteWorld,
) -> None:
    """Forty days later only the customer's account and the uniqueness key are left to find it."""
    for plan_of in (new_deal, lambda: edit(world, MORE)):
        plan = plan_of()
        world.weather.answers = ["fine"] * (3 if not world.setup.engine.customers() else 1)
        world.weather.answers.append("gone")
        with pytest.raises(RetryLater):
            world.carry_out(plan)
        world.weather.is_away = False
        world.move(world.now + timedelta(days=40))
        assert world.carry_out(plan)

    assert world.made() == (1, 1, 1)


def test_r8_a_repeated_call_has_the_same_key_until_an_answer_is_final(world: RemoteWorld) -> None:
    world.carry_out(new_deal())
    world.weather.requests.clear()
    world.weather.answers = ["fine", busy(503), busy(500), "fine"]
    world.carry_out(edit(world, MORE))
    tries = [one for one in world.weather.writes if one.url.path == "/v2/contracts/edit"]
    keys = [one.headers["Idempotency-Key"] for one in tries]

    assert len(keys) == 3
    assert keys[0] == keys[1] != keys[2]
    assert world.made() == (1, 1, 1)


def test_the_wait_the_remote_asks_for_is_kept(world: RemoteWorld) -> None:
    world.weather.answers = [busy(429, Retry_After="7"), busy(503, Retry_After="11")]
    world.carry_out(new_deal())

    assert [wait for wait in world.waits if wait >= 7] == [7, 11]
    assert world.made() == (1, 1, 0)


def test_a_remote_that_asks_for_too_long_is_asked_again_by_the_next_run(
    world: RemoteWorld,
) -> None:
    world.weather.answers = [busy(429, Retry_After="3600")]
    with pytest.raises(RetryLater):
        world.carry_out(new_deal())

    assert world.waits == []
    assert world.carry_out(new_deal())


def test_x_should_retry_false_is_obeyed(world: RemoteWorld) -> None:
    world.carry_out(new_deal())
    tried = len(world.weather.writes)
    world.weather.answers = ["fine", busy(503, x_should_retry="false")]
    with pytest.raises(RetryLater, match="wants no repetition"):
        world.carry_out(edit(world, MORE))

    assert len(world.weather.writes) == tried + 2
    assert world.waits == []


def test_what_the_remote_refuses_is_told_in_its_words_and_may_be_tried_again(
    world: RemoteWorld,
) -> None:
    """A product that is archived there; once it is back, the same plan goes through (R8)."""
    world.carry_out(new_deal())
    end = ChangeEnd(ending_before=at("2024-02-01"))
    world.move(at("2024-05-03"))
    with pytest.raises(Refused, match=r"\[InvalidArgument\].*finalized invoice"):
        world.carry_out(edit(world, end))

    assert world.target.begun() == ()
    assert world.made() == (1, 1, 0)
    allowed = replace(end, ending_before=at("2024-06-01"))
    assert world.carry_out(edit(world, allowed))


def test_a_token_that_may_not_write_is_no_fault_of_the_deal(world: RemoteWorld) -> None:
    token = world.server.secret(Scope.READ)
    world.target = world.remote_target(token)
    with pytest.raises(AuthFailed) as raised:
        world.carry_out(new_deal())

    assert token not in str(raised.value) + repr(vars(raised.value))
    assert world.made() == (0, 0, 0)


def test_r115_an_edit_somebody_made_there_is_not_written_over(world: RemoteWorld) -> None:
    world.carry_out(new_deal())
    named = {"customer_id": world.customer(), "contract_id": world.contract()}
    world.post("/v2/contracts/edit", named | {"update_contract_name": "By hand"})
    wanted = edit(world, Revise(name="By the deal"))
    with pytest.raises(Conflict, match=r"somebody changed the contract.*update_contract_name"):
        world.carry_out(wanted)
    assert world.made() == (1, 1, 1)
    assert world.target.begun() == ()

    assert world.target.accept(CONTRACT) == 1
    assert world.carry_out(wanted)
    assert world.made() == (1, 1, 2)


def test_a_customer_that_is_there_already_is_taken(world: RemoteWorld) -> None:
    made = {"name": "Acme by hand", "ingest_aliases": list(ACCOUNT.ingest_aliases)}
    there = world.post("/v1/customers", made)["data"]["id"]
    world.carry_out(new_deal())
    shown = world.paged("/v1/customers", customer_ids=there)[0]

    assert world.made() == (1, 1, 0)
    assert shown["customer_config"]["salesforce_account_id"] == ACCOUNT.account_id
    assert shown["custom_fields"] == dict(ACCOUNT.custom_fields)


def test_r6_an_alias_of_another_account_is_refused(world: RemoteWorld) -> None:
    config = {"salesforce_account_id": "001Fk0000000009AAA"}
    aliases = list(ACCOUNT.ingest_aliases)
    world.post(
        "/v1/customers", {"name": "Other", "ingest_aliases": aliases, "customer_config": config}
    )
    with pytest.raises(Refused, match="another account's"):
        world.carry_out(new_deal())

    assert world.made() == (1, 0, 0)


def test_a_product_the_remote_lacks_is_named(world: RemoteWorld) -> None:
    listed = world.post("/v1/contract-pricing/products/list", {})["data"]
    there = next(one["id"] for one in listed if one["current"]["name"] == "support")
    world.post("/v1/contract-pricing/products/archive", {"product_id": there})
    with pytest.raises(Refused, match="no FIXED product named 'support'; create it"):
        world.carry_out(new_deal())

    world.post("/v1/contract-pricing/products/create", {"name": "support", "type": "FIXED"})
    world.now = at("2023-12-21")
    assert world.carry_out(new_deal())


def test_a_contract_made_before_there_was_a_target_is_not_guessed_at(world: RemoteWorld) -> None:
    engine = world.setup.engine
    world.carry_out(new_deal())
    engine.create_contract(
        "old", signed(uniqueness_key=None, terms=MORE.terms), by="test", now=world.now
    )
    step = edit(world, ChangeEnd(ending_before=at("2024-10-01")))
    (one,) = step.steps
    plan = replace(step, base=engine.digest("old"), steps=(replace(one, contract_id="old"),))
    with pytest.raises(Refused, match="no contract of ours"):
        world.carry_out(plan)


def test_the_same_contents_twice_are_paired_one_to_one(world: RemoteWorld) -> None:
    """Two equal commits have two ids, and each can be changed alone."""
    (first,) = MORE.terms.commits
    twin = replace(
        first,
        id="twin",
        segments=(replace(first.segments[0], id="twin/1"),),
        payments=(replace(first.payments[0], id="twin@1"),),
    )
    more = replace(MORE, terms=replace(MORE.terms, commits=(first, twin)))
    world.carry_out(new_deal())
    world.carry_out(edit(world, more))
    paid = replace(twin.payments[0], amount=Decimal(100), unit_price=Decimal(100))
    less = replace(twin, payments=(paid,))
    world.carry_out(edit(world, Revise(replace=replace(MORE.terms, commits=(less,), overrides=()))))
    world.move(at("2024-03-02"))
    found = [one.total for one in world.billed() if one.begins == at("2024-03-01")]

    assert sorted(total for total in found if total) == [Decimal(24100)]


def test_a_restored_backup_finds_what_was_done_after_it(world: RemoteWorld) -> None:
    """The state is older than the remote: the same plans are asked for again and are there."""
    empty = copied(world.setup.db)
    world.carry_out(new_deal())
    older = copied(world.setup.db)
    amendment = edit(world, MORE)
    world.carry_out(amendment)

    for state, plans in ((older, [amendment]), (empty, [new_deal(), amendment])):
        world.setup = world.setup._replace(
            db=state, engine=Engine(state, world.setup.usage, world.setup.engine.settings)
        )
        world.target = world.remote_target()
        for plan in plans:
            assert world.carry_out(plan)
        assert world.made() == (1, 1, 1)
        assert world.target.begun() == ()


def copied(db: Database) -> Database:
    """A backup of the state, open."""
    copy = open_database(":memory:")
    db.conn.backup(copy.conn)
    return copy
