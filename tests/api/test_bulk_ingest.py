"""Usage in bulk: a stream of JSON lines, counted to the line (R5, R16-R18, G11, G21)."""

import gzip
import json
import socket
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from metronome import Metronome

from api.live import START, Server
from closedwon.api.answers import TooLarge
from closedwon.api.stream import STREAMS_MAX, bounded, unzipped
from closedwon.engine import tokens
from closedwon.kernel.errors import Refused
from closedwon.store.database import close, open_database
from closedwon.store.known_tokens import KnownTokens
from closedwon.store.stores import Stores
from closedwon.store.tokens import Scope
from closedwon.usage.lines import CHUNK_EVENTS

PATH = "/closedwon/ingest"
NDJSON = "application/x-ndjson"
COUNT = CHUNK_EVENTS + 7


def a_line(name: object, **more: Any) -> bytes:
    event = {
        "transaction_id": str(name),
        "customer_id": "acme",
        "event_type": "call",
        "timestamp": "2026-01-01T06:00:00Z",
        "properties": {"tokens": "2.5"},
    }
    return json.dumps({**event, **more}).encode()


def send(http: httpx.Client, body: bytes | Iterable[bytes], **headers: str) -> httpx.Response:
    sent = {"Content-Type": NDJSON, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return http.post(PATH, content=body, headers=sent)


def told(answer: httpx.Response) -> tuple[int, int, int, int]:
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["lines"] == data["stored"] + data["duplicates"] + data["refused"]
    return data["lines"], data["stored"], data["duplicates"], data["refused"]


def test_r5_a_stream_is_stored_once_however_often_it_is_sent(
    http: httpx.Client, client: Metronome
) -> None:
    lines = b"\n".join(a_line(at) for at in range(COUNT))
    count = COUNT
    assert told(send(http, lines)) == (count, count, 0, 0)
    assert told(send(http, lines + b"\n")) == (count, 0, count, 0)
    assert len(client.v1.usage.search(transaction_ids=["0"])) == 2


def test_a_stream_needs_no_length_and_may_be_cut_anywhere(http: httpx.Client) -> None:
    whole = b"\r\n".join([a_line("a"), b"", a_line("é"), b"  ", a_line("b"), a_line("a")])
    parts: Iterator[bytes] = (whole[at : at + 7] for at in range(0, len(whole), 7))
    assert told(send(http, parts)) == (4, 3, 1, 0)


def test_r16_bad_lines_are_named_and_stop_nobody(http: httpx.Client) -> None:
    lines = [
        a_line("1"),
        b"{",
        a_line("2", customer_id=""),
        a_line("3", timestamp="2026-01-03T00:00:00Z"),
        b"\xff",
        b"x" * 1_000_001,
        a_line("1", event_type="other"),
        b"\x00",
        a_line("4", properties={"n": 1.50, "deep": [[1]]}),
        b"[" * 100_000,
    ]
    answer = send(http, b"\n".join(lines))
    assert told(answer) == (10, 2, 0, 8)
    refusals = answer.json()["data"]["refusals"]
    assert [(one["line"], one["code"]) for one in refusals] == [
        (2, "usage_unreadable"),
        (3, "usage_unreadable"),
        (4, "usage_invalid"),
        (5, "usage_unreadable"),
        (6, "usage_unreadable"),
        (7, "usage_conflict"),
        (8, "usage_unreadable"),
        (10, "usage_unreadable"),
    ]
    assert "R17" in refusals[2]["message"]
    assert refusals[4]["message"] == "longer than 1000000 bytes"


def test_refusals_are_counted_exactly_and_shown_up_to_a_limit(http: httpx.Client) -> None:
    answer = send(http, b"{\n" * 12_345)
    assert told(answer) == (12_345, 0, 0, 12_345)
    assert [one["line"] for one in answer.json()["data"]["refusals"]] == list(range(1, 101))


@pytest.mark.parametrize("body", [b"", b"\n\n \n"])
def test_a_stream_without_lines_stores_nothing(http: httpx.Client, body: bytes) -> None:
    assert told(send(http, body)) == (0, 0, 0, 0)


def test_a_stream_may_be_packed_in_one_piece_or_several(http: httpx.Client) -> None:
    packed = gzip.compress(a_line("1") + b"\n" + a_line("2")) + gzip.compress(b"\n" + a_line("3"))
    assert told(send(http, packed, Content_Encoding="gzip")) == (3, 3, 0, 0)

    cut = send(http, packed[:-3], Content_Encoding="gzip")
    assert cut.status_code == 400
    assert "breaks off" in cut.json()["message"]
    assert "not gzip" in send(http, b"{}", Content_Encoding="gzip").json()["message"]


def test_a_small_package_that_unpacks_to_very_much_is_stopped() -> None:
    bomb = gzip.compress(b"\n" * 50_000_000)
    parts: list[bytes] = []
    with pytest.raises(TooLarge, match="at most 1000000 bytes"):
        parts.extend(bounded(unzipped([bomb]), 1_000_000))
    assert max(map(len, parts)) <= 65_536
    assert sum(map(len, parts)) <= 1_000_000
    with pytest.raises(Refused, match="breaks off"):
        list(unzipped([bomb[:1000]]))


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Content_Type": "application/json"}, "expected application/x-ndjson"),
        ({"Content_Encoding": "br"}, "expected gzip or none, found br"),
    ],
)
def test_other_media_are_refused_in_words(
    http: httpx.Client, headers: dict[str, str], said: str
) -> None:
    answer = send(http, a_line("1"), **headers)
    assert answer.status_code == 415
    assert said in answer.json()["message"]


def test_a_stream_that_breaks_off_is_sent_again_and_counts_once(
    server: Server, http: httpx.Client
) -> None:
    lines = [a_line(at) + b"\n" for at in range(CHUNK_EVENTS + 50)]
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {NDJSON}\r\n"
        f"Authorization: Bearer {server.secret(Scope.INGEST)}\r\nContent-Length: 99999999\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as sender:
        sender.sendall(head.encode() + b"".join(lines))
    lines_sent, stored, duplicates, refused = told(send(http, b"".join(lines)))
    assert (lines_sent, stored + duplicates, refused) == (CHUNK_EVENTS + 50, CHUNK_EVENTS + 50, 0)
    assert told(send(http, b"".join(lines)))[2] == CHUNK_EVENTS + 50


def test_g24_so_many_streams_at_once_and_no_more(server: Server, http: httpx.Client) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {NDJSON}\r\n"
        f"Authorization: Bearer {server.secret(Scope.INGEST)}\r\nContent-Length: 10\r\n"
        "Connection: close\r\nExpect: 100-continue\r\n\r\n"
    )
    open_streams = []
    try:
        for _ in range(STREAMS_MAX):
            sender = socket.create_connection((host, int(port)), timeout=10)
            open_streams.append(sender)
            sender.sendall(head.encode())
            assert sender.recv(100).startswith(b"HTTP/1.1 100")  # It is being read.
        refused = send(http, a_line("1"))
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert "too many streams" in refused.json()["message"]
    finally:
        for sender in open_streams:
            with sender, sender.makefile("rb") as answer:
                sender.sendall(b" " * 10)
                assert b'"lines":0' in answer.read()
    assert told(send(http, a_line("1"))) == (1, 1, 0, 0)


def test_the_document_names_the_media_type(http: httpx.Client) -> None:
    described = http.get("/openapi.json").json()["paths"][PATH]["post"]
    assert list(described["requestBody"]["content"]) == [NDJSON]


@pytest.mark.parametrize("path", [PATH, "/v1/ingest"])
def test_g25_a_token_revoked_by_another_process_is_shut_out_at_once(
    server: Server, path: str
) -> None:
    body, kind = (a_line("1"), NDJSON) if path == PATH else (b"[" + a_line("1") + b"]", "")
    with server.http(Scope.INGEST) as http:
        for _ in range(3):
            assert http.post(path, content=body, headers={"Content-Type": kind}).status_code == 200
        db = open_database(server.settings.state_file)
        tokens.revoke(Stores(db), "ingest", by="test", now=START)
        close(db)
        assert http.post(path, content=body, headers={"Content-Type": kind}).status_code == 401


def test_known_tokens_are_those_of_the_state_at_every_moment(server: Server) -> None:
    secret = server.secret(Scope.READ)
    reader = open_database(server.settings.state_file, read_only=True, any_thread=True)
    db = open_database(server.settings.state_file)
    known = KnownTokens(reader)
    assert known.find("closedwon_unknown") is None
    found = known.find(secret)
    assert found is not None
    assert known.find(secret) is found
    tokens.revoke(Stores(db), "read", by="test", now=START)
    again = known.find(secret)
    assert again is not None
    assert again.revoked_at == START
    close(reader)
    close(db)
