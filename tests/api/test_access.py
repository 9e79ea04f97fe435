"""Who may call what: route x scope x no token, exactly; and clients that are slow or rude (G24, G25).

``access.txt`` is the table: a route whose scope changes, or that comes or goes, changes it, and so
is seen in review. Where the file is missing the first test writes it, and fails.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from api.live import Server, running
from closedwon.api import limits
from closedwon.api.call import Route
from closedwon.api.embedded import PAGES
from closedwon.api.resources import ROUTES, clock_routes
from closedwon.engine import tokens
from closedwon.store.database import close, open_database
from closedwon.store.stores import Stores
from closedwon.store.tokens import Scope

TABLE = Path(__file__).with_name("access.txt")
CALLERS = ("none", "wrong", "revoked", *(scope.value for scope in Scope))
OPEN = (("GET", "/healthz"), ("GET", "/readyz"), *(("GET", page.path) for page in PAGES))
DOCUMENT = ("GET", "/openapi.json")
EVERY = (*ROUTES, *clock_routes(None))  # type: ignore[arg-type]

Clients = dict[str, httpx.Client]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """One client of one server for each kind of caller."""
    with running(tmp_path_factory.mktemp("access") / "state") as server, ExitStack() as stack:
        found: Clients = {scope.value: server.http(scope) for scope in Scope}
        found["none"] = httpx.Client(base_url=server.url)
        wrong = {"Authorization": "Bearer closedwon_0"}
        found["wrong"] = httpx.Client(base_url=server.url, headers=wrong)
        found["revoked"] = server.http(*Scope)
        _revoke(server, "-".join(sorted(Scope)))
        for client in found.values():
            stack.enter_context(client)
        yield found


def _revoke(server: Server, name: str) -> None:
    db = open_database(server.settings.state_file)
    tokens.revoke(Stores(db), name, by="test", now=server.clock())
    close(db)


def answer_class(client: httpx.Client, method: str, path: str) -> str:
    """401, 403, or ``in`` for whoever got as far as the route itself."""
    content = None if method == "GET" else "{}"
    answer = client.request(method, path.replace("{", "").replace("}", ""), content=content)
    assert "no such path" not in answer.text, (method, path)
    assert "not with this method" not in answer.text, (method, path)
    return str(answer.status_code) if answer.status_code in (401, 403) else "in"


def declared() -> list[tuple[str, str, str]]:
    """Method, path and scope of everything the server answers."""
    rows = [(route.method, route.path, route.scope.value) for route in EVERY]
    rows += [(*DOCUMENT, Scope.READ.value), *((*one, "open") for one in OPEN)]
    return sorted(rows, key=lambda row: (row[1], row[0]))


def test_g25_the_table_route_x_scope_x_no_token_is_exact(clients: Clients) -> None:
    lines = [f"{'':8}{'':88}{'scope':8}" + "".join(f"{caller:9}" for caller in CALLERS)]
    for method, path, scope in declared():
        found = [answer_class(clients[caller], method, path) for caller in CALLERS]
        lines.append(f"{method:8}{path:88}{scope:8}" + "".join(f"{one:9}" for one in found))
    text = "\n".join(line.rstrip() for line in lines) + "\n"

    if not TABLE.exists():
        TABLE.write_text(text)
        pytest.fail("access.txt was missing and is written anew: look at it, then run this again")
    assert text == TABLE.read_text(), "look at the difference; to accept it, delete access.txt"


def test_g25_every_row_of_the_table_follows_from_its_scope() -> None:
    header, *rows = TABLE.read_text().splitlines()

    assert header.split() == ["scope", *CALLERS]
    for row in rows:
        _method, _path, scope, *found = row.split()
        expected = {
            caller: "in" if scope == "open" or caller in (scope, "admin") else "403"
            for caller in CALLERS
        }
        if scope != "open":
            expected |= dict.fromkeys(("none", "wrong", "revoked"), "401")
        assert dict(zip(CALLERS, found, strict=True)) == expected, row


def test_g25_what_changes_something_is_never_open_to_readers() -> None:
    changing = ("create", "add", "set", "update", "archive", "edit", "void", "regenerate", "amend")
    for method, path, scope in declared():
        verb = path.rsplit("/", 1)[-1]
        if method != "GET" and any(verb.startswith(one) for one in changing):
            assert scope in {"write", "admin"}, (method, path)
        if method in {"PUT", "PATCH", "DELETE"}:
            assert scope in {"write", "admin"}, (method, path)


def test_no_two_routes_answer_the_same_call() -> None:
    keys = [(route.method, route.path) for route in EVERY]

    assert len(keys) == len(set(keys))
    assert len({route.name for route in EVERY}) == len(EVERY)


@pytest.mark.parametrize("path", ["/v1/nothing", "/v2/nothing", "/", "/v1/customers/a/b/c"])
def test_g25_an_unknown_path_says_the_same_to_everyone(clients: Clients, path: str) -> None:
    answers = {clients[caller].post(path, content="{}").status_code for caller in CALLERS}

    assert answers == {404}


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("POST", "/v1/contracts/get", "{", 400, None),
        ("POST", "/v2/contracts/get", "{", 400, "InvalidArgument"),
        ("POST", "/v1/contracts/get", '{"customer_id": "x", "contract_id": "y"}', 404, None),
        (
            "POST",
            "/v2/contracts/get",
            '{"customer_id": "x", "contract_id": "y"}',
            404,
            "CustomerNotFound",
        ),
        ("POST", "/v2/nothing", "{}", 404, "BadRequest"),
        ("GET", "/v2/contracts/get", None, 405, "BadRequest"),
        ("GET", "/v1/plans", None, 501, None),
    ],
)
def test_g25_every_error_has_one_of_two_forms(
    clients: Clients, method: str, path: str, content: str | None, status: int, code: str | None
) -> None:
    answer = clients["admin"].request(method, path, content=content)
    form = {"message"} if code is None else {"code", "message"}

    assert (answer.status_code, answer.json().keys()) == (status, form)
    assert answer.json().get("code") == code
    assert answer.headers["content-type"] == "application/json"
    assert not any(word in answer.text for word in ("Traceback", ".py", "sqlite", "closedwon."))


def test_g24_a_body_that_does_not_arrive_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS_MAX", 0.2)
    head = (
        f"POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
        f"Authorization: Bearer {server.secret(Scope.WRITE)}\r\n\r\n{{"
    )
    address = (httpx.URL(server.url).host, httpx.URL(server.url).port or 0)
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(address, 20)) for _ in range(60)]
        for one in slow:
            one.sendall(head.encode())
        told = [_whole(one) for one in slow]

    assert {text.partition(" ")[2][:3] for text in told} == {"408"}
    assert all("did not arrive" in text for text in told)
    with server.http(Scope.WRITE) as client:
        assert client.post("/v1/customers", json={"name": "Acme"}).status_code == 200


def _whole(connection: socket.socket) -> str:
    """Everything until the server hangs up."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts).decode()


def test_every_route_is_a_route_of_the_application(server: Server) -> None:
    """Nothing is served that the table does not know."""
    with server.http(Scope.READ) as client:
        paths = client.get("/openapi.json").json()["paths"]
    served = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    known = {(method, path) for method, path, _scope in declared()}

    assert served <= known
    assert known - served <= {DOCUMENT, *OPEN}


def route_of(method: str, path: str) -> Route:
    return next(one for one in EVERY if (one.method, one.path) == (method, path))


def test_long_work_has_a_limit_of_its_own_and_all_else_the_sdk_s() -> None:
    long = {route.path for route in EVERY if route.seconds_max > 60}

    assert long == {"/closedwon/clock", "/closedwon/verify", "/closedwon/reconcile"}
    assert route_of("POST", "/closedwon/verify").seconds_max <= 3600
