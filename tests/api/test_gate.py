"""Tokens, scopes, limits and retries of the front door (R8; G12, G25)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from api.live import Server, running
from closedwon.api.call import Route
from closedwon.api.resources import ROUTES, clock_routes
from closedwon.engine import tokens
from closedwon.store.database import close, open_database
from closedwon.store.stores import Stores
from closedwon.store.tokens import Scope

EVERY = (*ROUTES, *clock_routes(None))  # type: ignore[arg-type]


Clients = dict[Scope | None, httpx.Client]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """A client for each scope of one server, and under None one without a token."""
    with running(tmp_path_factory.mktemp("gate") / "state") as server, ExitStack() as stack:
        found: Clients = {scope: server.http(scope) for scope in Scope}
        found[None] = httpx.Client(base_url=server.url)
        for client in found.values():
            stack.enter_context(client)
        yield found


def ask(
    client: httpx.Client, route: Route, headers: dict[str, str] | None = None
) -> httpx.Response:
    path = route.path.replace("{", "").replace("}", "")
    content = None if route.method == "GET" else "{}"
    return client.request(route.method, path, content=content, headers=headers)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer x", "Basic x", "Bearer closedwon_0"]
)
def test_g25_no_token_opens_nothing(clients: Clients, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for route in EVERY:
        answer = ask(clients[None], route, headers)

        assert (answer.status_code, answer.json().keys() - {"code"}) == (401, {"message"})


def test_g25_a_revoked_token_opens_nothing_and_the_file_holds_no_secret(server: Server) -> None:
    secret = server.secret(Scope.READ)
    with server.http(Scope.READ) as client:
        assert client.get("/v1/customers").status_code == 200
        db = open_database(server.settings.state_file)
        tokens.revoke(Stores(db), "read", by="test", now=server.clock())
        close(db)
        assert client.get("/v1/customers").status_code == 401
    state = server.settings.state_dir
    for file in (one for one in state.rglob("*") if one.is_file()):
        assert secret.encode() not in file.read_bytes()


def test_probes_need_no_token(clients: Clients) -> None:
    for path in ("/healthz", "/readyz"):
        client = clients[None]
        assert client.get(path).json() == {"status": "ok"}


def test_r8_g12_a_repeat_with_the_key_is_answered_as_the_first_was(http: httpx.Client) -> None:
    def create(name: str, key: str) -> httpx.Response:
        return http.post("/v1/customers", json={"name": name}, headers={"Idempotency-Key": key})

    first, again = create("Acme", "k1"), create("Acme", "k1")

    assert (first.status_code, again.text) == (200, first.text)
    assert len(http.get("/v1/customers").json()["data"]) == 1
    other = create("Other", "k1")
    assert (other.status_code, other.headers["x-should-retry"]) == (409, "false")


def test_r8_a_refusal_is_kept_but_a_body_that_does_not_parse_is_not(http: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    http.post("/v1/customers", json={"name": "A", "ingest_aliases": ["a"]})
    wrong = http.post("/v1/customers", json={"nme": "B"}, headers=key)
    twin = {"name": "B", "ingest_aliases": ["a"]}
    refused = http.post("/v1/customers", json=twin, headers=key)
    holder = http.get("/v1/customers").json()["data"][0]["id"]
    http.post(f"/v1/customers/{holder}/setIngestAliases", json={"ingest_aliases": []})

    again = http.post("/v1/customers", json=twin, headers=key)

    assert (wrong.status_code, refused.status_code) == (400, 409)
    assert (again.status_code, again.text) == (409, refused.text)


def test_g12_keys_of_two_clients_are_apart(server: Server) -> None:
    key = {"Idempotency-Key": "k"}
    made = []
    for scopes in ((Scope.WRITE,), (Scope.WRITE, Scope.READ)):
        with server.http(*scopes) as client:
            made.append(client.post("/v1/customers", json={"name": "A"}, headers=key).json())

    assert made[0]["data"]["id"] != made[1]["data"]["id"]


def test_g12_of_many_equal_calls_at_once_one_is_done(http: httpx.Client) -> None:
    def create(_: int) -> str:
        key = {"Idempotency-Key": "same"}
        return http.post("/v1/customers", json={"name": "A"}, headers=key).text

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(create, range(50)))

    assert len(answers) == 1
    assert len(http.get("/v1/customers").json()["data"]) == 1


def test_g12_an_answer_outlives_the_server(tmp_path: Path) -> None:
    answers, secrets = [], {}
    for _ in range(2):
        with running(tmp_path / "state") as server:
            server.secrets = secrets
            with server.http(Scope.WRITE) as client:
                key = {"Idempotency-Key": "k"}
                made = client.post("/v1/customers", json={"name": "A"}, headers=key)
        answers.append(made.text)

    assert answers[0] == answers[1]


def test_g24_bodies_too_long_too_deep_or_not_json_are_refused(http: httpx.Client) -> None:
    deep = '{"name": ' + "[" * 50 + "]" * 50 + "}"
    told = {
        "deep": http.post("/v1/customers", content=deep),
        "words": http.post("/v1/customers", content="name"),
        "nan": http.post("/v1/customers", content='{"name": NaN}'),
        "twice": http.post("/v1/customers", content='{"name": "a", "name": "b"}'),
        "list": http.post("/v1/customers", content="[]"),
    }
    assert {name: answer.status_code for name, answer in told.items()} == dict.fromkeys(told, 400)

    long = http.post("/v1/customers", content=b" " * (16 * 1024 * 1024 + 1))
    assert long.status_code == 413
    chunked = http.post("/v1/customers", content=iter([b"{}"]))
    assert chunked.status_code == 411


def test_r8_a_kept_answer_has_the_headers_it_had(http: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    twin = {"name": "A", "ingest_aliases": ["a"]}
    http.post("/v1/customers", json=twin)

    first, again = (http.post("/v1/customers", json=twin, headers=key) for _ in range(2))

    assert (first.status_code, again.text) == (409, first.text)
    for answer in (first, again):
        assert answer.headers["x-should-retry"] == "false"
        assert answer.headers["X-Closedwon-Code"] == "conflict"
    assert [one.headers.get("Idempotent-Replayed") for one in (first, again)] == [None, "true"]


def test_r8_what_is_not_supported_says_so_with_a_key_too(http: httpx.Client) -> None:
    answer = http.post("/v1/plans/create", json={}, headers={"Idempotency-Key": "k"})

    assert (answer.status_code, answer.headers["x-should-retry"]) == (501, "false")


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb", "\u00e9"])
def test_r8_a_key_is_printable_text_of_at_most_255_characters(http: httpx.Client, key: str) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}

    answer = http.post("/v1/customers", json={"name": "A"}, headers=headers)

    assert (answer.status_code, answer.headers["X-Closedwon-Code"]) == (400, "invalid_request")


def test_an_error_tells_its_form_from_its_meaning_by_its_code(http: httpx.Client) -> None:
    def code(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.headers["X-Closedwon-Code"]

    metric = {"name": "Calls", "aggregation_type": "SUM"}
    assert code(http.post("/v1/customers", json={"nme": "A"})) == (400, "invalid_request")
    assert code(http.post("/v1/billable-metrics/create", json=metric)) == (400, "refused")
    assert code(http.get("/v1/customers/nobody")) == (404, "not_found")
    assert code(http.get("/v1/nothing")) == (404, "no_such_path")
    assert code(httpx.get(http.base_url.join("/v1/customers"))) == (401, "auth")
    deep = b'{"name": ' + b"[" * 50 + b"]" * 50 + b"}"
    assert code(http.post("/v1/customers", content=deep)) == (400, "invalid_request")


def test_a_wrong_method_is_told_the_right_ones(http: httpx.Client) -> None:
    found = {
        path: http.request("TRACE", path).headers["Allow"]
        for path in ("/v1/customers", "/v1/customers/x", "/v1/customers/archive")
    }

    assert found == {
        "/v1/customers": "GET, POST",
        "/v1/customers/x": "GET",
        "/v1/customers/archive": "POST",
    }
    assert http.options("/v1/customers").status_code == 405


@pytest.mark.parametrize(
    "instant",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00", "1899-12-31T23:59:59Z", "now", ""],
)
def test_an_instant_outside_of_time_is_refused(http: httpx.Client, instant: str) -> None:
    sent = {"customer_id": "c", "contract_id": "k", "starting_at": instant}

    answer = http.post("/v1/contracts/amend", json=sent)

    assert (answer.status_code, answer.headers["X-Closedwon-Code"]) == (400, "invalid_request")
    event = {"transaction_id": "t", "customer_id": "c", "event_type": "e", "timestamp": instant}
    assert http.post("/v1/ingest", json=[event]).status_code == 400


@pytest.mark.parametrize("letter", ["\x00", "\ud800"])
def test_nul_and_half_characters_are_refused_wherever_they_stand(
    http: httpx.Client, letter: str
) -> None:
    escaped = letter.encode("unicode-escape").decode().replace("\\x", "\\u00")
    for body in (
        f'{{"name": "{escaped}"}}',
        f'{{"name": "a", "ingest_aliases": ["{escaped}"]}}',
        f'["{escaped}"]',
    ):
        answer = http.post("/v1/customers", content=body)

        assert (answer.status_code, answer.headers["X-Closedwon-Code"]) == (400, "invalid_request")


def test_429_says_whose_limit_it_is(tmp_path: Path) -> None:
    with (
        running(tmp_path / "state", requests_per_second=3) as server,
        server.http(Scope.READ) as client,
    ):
        answers = [client.get("/v1/customers") for _ in range(10)]

    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert refused[0].headers["X-Metronome-Rate-Limit-Type"] == "client"
    assert refused[0].headers["Retry-After"] == "1"


def test_g25_an_error_of_our_own_says_nothing_but_its_id(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from closedwon.engine import Engine

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Engine, "customers", broken)
    with server.http(Scope.READ) as client:
        answer = client.get("/v1/customers")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert len(answer.headers["x-request-id"]) == 36


def test_unknown_paths_and_plans_answer_honestly(http: httpx.Client) -> None:
    assert http.get("/v1/nothing").status_code == 404
    assert http.put("/v1/customers", json={}).status_code == 405
    plans = http.get("/v1/plans")
    assert (plans.status_code, plans.headers["x-should-retry"]) == (501, "false")
    assert "contracts" in plans.json()["message"]


@pytest.mark.parametrize("cursor", ["x", "e30", "W10", "%%", "WzFd"])
def test_a_cursor_that_is_not_ours_is_refused(http: httpx.Client, cursor: str) -> None:
    answer = http.get("/v1/customers", params={"next_page": cursor})

    assert answer.status_code in (200, 400)
    assert answer.status_code == (200 if cursor == "W10" else 400)


def test_a_webhook_correlation_id_is_accepted_and_unknown_fields_are_not(
    http: httpx.Client,
) -> None:
    assert http.get("/v1/customers", params={"webhook_notification_id": "x"}).status_code == 200
    wrong = http.get("/v1/customers", params={"colour": "red"})
    assert (wrong.status_code, wrong.json()["message"]) == (400, "colour: unknown field")
