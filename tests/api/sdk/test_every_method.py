"""Every method the official SDK has: a success, a refusal, all pages, a lost answer (G12).

The list comes from the SDK itself, so a method that a new version brings fails here until it has
its cases in ``cases/``.
"""

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from metronome import APIStatusError

from api.sdk.cases import LEGACY, UNBUILT
from api.sdk.casing import DONE, PAGED, REFUSED
from api.sdk.methods import Method, methods
from api.sdk.parameters import LOOSE, NOT_TAKEN, parameters, paths_of, with_parameter
from api.sdk.world import Recorded, World, client_of, settled_world
from closedwon.store.tokens import Scope

EVERY = methods()
SUPPORTED = tuple(one for one in EVERY if one.name not in LEGACY | UNBUILT.keys())
PAGED_ONES = tuple(one for one in SUPPORTED if one.is_paged)
ROWS_MIN = 3
NEVER_KEPT = ("v1.usage.ingest", "v1.dashboards.get_embeddable_url")
"""Answers no repeat gets again: events have ids of their own, and a secret is told once."""


def named(method: Method) -> str:
    return method.name


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with settled_world(tmp_path_factory.mktemp("sdk") / "state") as found:
        yield found


def through(world: World, transport: Recorded, max_retries: int = 0) -> Any:
    """The same world seen through another transport."""
    return client_of(world.server, transport, max_retries)


def seen_as(world: World, sdk: Any) -> World:
    return replace(world, sdk=sdk, shop=world.shop.seen_by(sdk))


def test_every_method_has_its_cases_and_no_case_is_left_over() -> None:
    supported = {one.name for one in SUPPORTED}

    assert {one.name for one in EVERY} - supported == LEGACY | UNBUILT.keys()
    assert (supported - DONE.keys(), DONE.keys() - supported) == (set(), set())
    assert (supported - REFUSED.keys(), REFUSED.keys() - supported) == (set(), set())
    assert PAGED.keys() == {one.name for one in PAGED_ONES}


@pytest.mark.parametrize("method", SUPPORTED, ids=named)
def test_a_call_succeeds_and_its_typed_answer_holds_what_was_sent(
    world: World, method: Method
) -> None:
    transport = Recorded()
    with through(world, transport) as sdk:
        DONE[method.name](seen_as(world, sdk))

    calls = [
        sent
        for (verb, path, status, _), sent in zip(transport.seen, transport.sent, strict=True)
        if status == 200 and method.matches(verb, path)
    ]
    assert calls
    if not method.name.startswith(LOOSE):
        never_sent = parameters(method, method.of(world.sdk)).difference(*map(paths_of, calls))
        assert "\n".join(sorted(never_sent)) == ""


@pytest.mark.parametrize("name", sorted(NOT_TAKEN.keys() & DONE.keys()))
def test_a_parameter_that_is_not_taken_is_refused_by_name(world: World, name: str) -> None:
    method, transport = next(one for one in SUPPORTED if one.name == name), Recorded()
    with through(world, transport) as sdk:
        DONE[name](seen_as(world, sdk))
    calls = zip(transport.seen, transport.sent, strict=True)
    bodies = [sent for seen, sent in calls if method.matches(*seen[:2])]
    for path in NOT_TAKEN[name]:
        sent = max(bodies, key=lambda one: len(str(one)))
        with world.server.http(*Scope) as http:
            answer = http.post(method.path, json=with_parameter(sent, path))
        assert answer.status_code in {400, 501}
        assert path.rpartition(".")[2] in answer.json()["message"]


@pytest.mark.parametrize("method", SUPPORTED, ids=named)
def test_g12_a_call_whose_answer_is_lost_is_done_once(world: World, method: Method) -> None:
    transport = Recorded(loses_answers=True)
    with through(world, transport, max_retries=2) as sdk:
        DONE[method.name](seen_as(world, sdk))

    asked = [one for one in transport.seen if method.matches(one[0], one[1])]
    assert asked
    assert all(status == 200 for _, _, status, _ in asked)
    if method.verb != "GET" and method.name not in NEVER_KEPT:
        assert all(replayed for _, _, _, replayed in asked)


@pytest.mark.parametrize("method", SUPPORTED, ids=named)
def test_a_wrong_call_is_refused_in_words(world: World, method: Method) -> None:
    transport, refusal = Recorded(), REFUSED[method.name]
    with through(world, transport) as sdk, pytest.raises(APIStatusError) as refused:
        refusal.call(seen_as(world, sdk))

    if refusal.status != 403:  # Asked through a client of its own.
        assert method.matches(*transport.seen[-1][:2])
    assert refused.value.status_code == refusal.status
    assert isinstance(refused.value.body, dict)
    assert refusal.word in refused.value.body["message"]
    assert ("code" in refused.value.body) == method.path.startswith("/v2/")


@pytest.mark.parametrize("method", PAGED_ONES, ids=named)
def test_a_list_is_read_row_by_row_to_its_last_page(world: World, method: Method) -> None:
    transport = Recorded()
    with through(world, transport) as sdk:
        paging = PAGED[method.name](seen_as(world, sdk))
        whole = [paging.key(row) for row in paging.asked()]
        page = paging.asked(**_one_row(method.of(sdk)))
        rows, sizes = [], []
        for one in page.iter_pages():
            found = one._get_page_items()
            rows += [paging.key(row) for row in found]
            sizes.append(len(found))

    assert len(whole) >= ROWS_MIN
    assert rows == whole
    assert len(set(rows)) == len(rows)
    assert sizes == [1] * len(rows)
    assert paging.expected <= set(rows)


def _one_row(method: Any) -> dict[str, Any]:
    """How a page of one row is asked for, also where the SDK has no word for it."""
    has_limit = "limit" in inspect.signature(method).parameters
    return {"limit": 1} if has_limit else {"extra_query": {"limit": 1}}


@pytest.mark.parametrize("method", SUPPORTED, ids=named)
def test_g25_no_method_works_without_a_token(world: World, method: Method) -> None:
    answer = httpx.request(method.verb, world.server.url + method.path)

    assert (answer.status_code, answer.json().keys() - {"code"}) == (401, {"message"})


@pytest.mark.parametrize(
    ("name", "instead"), [*((one, "contracts") for one in sorted(LEGACY)), *UNBUILT.items()]
)
def test_a_method_that_is_not_there_says_what_is(world: World, name: str, instead: str) -> None:
    method = next(one for one in EVERY if one.name == name)
    with world.server.http(*Scope) as http:
        answer = http.request(method.verb, method.path.replace("{", "").replace("}", ""))

    assert (answer.status_code, answer.headers["x-should-retry"]) == (501, "false")
    assert instead in answer.json()["message"]
