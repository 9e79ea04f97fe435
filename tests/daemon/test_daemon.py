"""The scheduler with real threads and jobs that note their turns."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from closedwon.daemon import Daemon, Job, Observation, Pulse, application
from closedwon.daemon.health import check_binding, serving
from closedwon.kernel.errors import ConfigError, InvariantBroken, RetryLater
from closedwon.step import StepReport

NOW = datetime(2024, 1, 1, tzinfo=UTC)
WAIT_S = 20


def never() -> None:
    raise AssertionError("nothing had to be forced")


def served(jobs: Callable[[Callable[[], None]], tuple[Job, ...]], pulse: Pulse) -> list[str]:
    """Run a daemon whose jobs get its ``stop``; returns what ``close`` noted."""
    closed: list[str] = []
    stop = threading.Event()
    daemon = Daemon(jobs(stop.set), pulse, lambda: NOW)
    threading.Thread(target=lambda: stop.wait(WAIT_S) and daemon.stop(), daemon=True).start()
    daemon.serve(lambda: closed.append(threading.current_thread().name), never)
    return closed


def test_jobs_take_turns_in_one_thread_and_it_closes_what_they_opened() -> None:
    threads: list[str] = []
    pulse = Pulse()

    def jobs(stop: Callable[[], None]) -> tuple[Job, ...]:
        def second() -> None:
            threads.append(threading.current_thread().name)
            stop()

        first = Job(
            name="line",
            run=lambda: threads.append(threading.current_thread().name),
            every_s=60,
        )
        return first, Job(name="push", run=second, every_s=60)

    closed = served(jobs, pulse)

    assert len(threads) == 2
    assert {*threads, *closed} == {threads[0]}
    assert pulse.complaints("line", NOW, timedelta(minutes=5)) == []


def test_a_job_that_fails_is_told_and_does_not_end_the_others() -> None:
    pulse = Pulse()

    def jobs(stop: Callable[[], None]) -> tuple[Job, ...]:
        def away() -> None:
            raise RetryLater("Salesforce did not answer")

        return (
            Job(name="line", run=away, every_s=60),
            Job(name="push", run=stop, every_s=60),
        )

    served(jobs, pulse)

    complaints = pulse.complaints("line", NOW, timedelta(minutes=5))
    assert complaints[0] == "line: RetryLater: [retry_later] Salesforce did not answer"


def test_a_broken_promise_stops_the_daemon() -> None:
    def jobs(stop: Callable[[], None]) -> tuple[Job, ...]:
        def broken() -> None:
            raise InvariantBroken("the books do not balance")

        return (Job(name="line", run=broken, every_s=60),)

    with pytest.raises(InvariantBroken, match="do not balance"):
        served(jobs, Pulse())


def test_a_line_that_is_late_is_not_ready() -> None:
    pulse = Pulse()
    assert pulse.complaints("line", NOW, timedelta(minutes=5)) == ["line: has not succeeded yet"]
    pulse.succeeded("line", NOW)

    assert pulse.complaints("line", NOW + timedelta(minutes=5), timedelta(minutes=5)) == []
    late = pulse.complaints("line", NOW + timedelta(minutes=6), timedelta(minutes=5))
    assert late == ["line: last succeeded at 2024-01-01T00:00:00+00:00"]


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=WAIT_S) as answer:  # noqa: S310 loopback
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_token_guards_what_tells_more_than_life() -> None:
    app = application(list, Pulse().registry, "s3cret")
    with serving(app, "127.0.0.1", 0) as port:
        base = f"http://127.0.0.1:{port}"
        answers = {path: fetch(f"{base}/{path}")[0] for path in ("healthz", "readyz", "metrics")}
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{base}/metrics", headers={"Authorization": "Bearer s3cret"}
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - same
            let_in = answer.status

    assert answers == {"healthz": 200, "readyz": 401, "metrics": 401}
    assert let_in == 200


def test_nothing_listens_to_others_without_a_token() -> None:
    check_binding("127.0.0.1", "")
    check_binding("0.0.0.0", "s3cret")  # noqa: S104 - the point of the test
    with pytest.raises(ConfigError, match="http_token"):
        check_binding("0.0.0.0", "")  # noqa: S104 - same


def test_probes_and_metrics_answer_over_http() -> None:
    pulse = Pulse()
    pulse.stepped(StepReport(step="poll", done=3))
    seen = Observation(
        deals={"parked": 2},
        parked=2,
        push_waiting=1,
        watermarks={"Opportunity": NOW},
        api_used=7,
        api_allowed=15000,
    )
    pulse.observed(seen)
    reasons = ["line: has not succeeded yet"]
    with serving(application(lambda: reasons, pulse.registry), "127.0.0.1", 0) as port:
        base = f"http://127.0.0.1:{port}"
        assert fetch(f"{base}/healthz") == (200, '{"status":"ok"}')
        status, body = fetch(f"{base}/readyz")
        assert (status, json.loads(body)["reasons"]) == (503, reasons)
        reasons.clear()
        assert fetch(f"{base}/readyz")[0] == 200
        _, metrics = fetch(f"{base}/metrics")

    assert 'closedwon_step_rows_total{result="done",step="poll"} 3.0' in metrics
    assert 'closedwon_deals{outcome="parked"} 2.0' in metrics
    assert 'closedwon_salesforce_api_calls{what="used"} 7.0' in metrics
