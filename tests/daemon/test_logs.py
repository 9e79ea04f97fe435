"""Log lines are JSON, and no secret gets into them whatever it is called (G25)."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from closedwon.daemon import configure_logs

SESSION = "00D5g00000ABCDE!AQ4AQK.canary_tJx9"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logs("INFO", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = before


def test_ours_and_library_lines_are_json_of_one_form(lines: io.StringIO) -> None:
    structlog.get_logger("closedwon.test").info("polled", rows=3)
    logging.getLogger("some.library").warning("slow %s", "answer")

    ours, theirs = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert (ours["event"], ours["rows"], ours["level"]) == ("polled", 3, "info")
    assert (theirs["event"], theirs["logger"]) == ("slow answer", "some.library")


@pytest.mark.parametrize(
    "facts",
    [
        {"client_secret": "canary"},
        {"headers": {"Authorization": "Bearer canary"}},
        {"told": f"session {SESSION} expired"},
        {"told": "Authorization: Bearer canary-token-123"},
        {"url": "https://x/token?grant=1&client_secret=canary&x=1"},
        {"nested": [{"password": "canary"}]},
        {"key": "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----"},
    ],
)
def test_secrets_are_hidden_by_name_and_by_shape(
    lines: io.StringIO, facts: dict[str, object]
) -> None:
    structlog.get_logger().info("tried", **facts)

    assert "canary" not in lines.getvalue()
    assert "[hidden]" in lines.getvalue()


def test_a_secret_in_a_traceback_is_hidden(lines: io.StringIO) -> None:
    try:
        int(f"bad session {SESSION}")
    except ValueError:
        logging.getLogger("library").exception("failed")

    assert "canary" not in lines.getvalue()
    assert "ValueError" in lines.getvalue()


def test_chatter_of_http_libraries_is_left_out(lines: io.StringIO) -> None:
    logging.getLogger("httpx").info("GET https://example.com")

    assert lines.getvalue() == ""
