"""What the daemon last did and saw; written by the worker thread, read by the HTTP threads."""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge

from closedwon.step import StepReport


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of the state after a job."""

    deals: Mapping[str, int]
    """Deals by outcome."""
    parked: int
    """Open reasons, of deals and of pushed rows."""
    push_waiting: int
    watermarks: Mapping[str, datetime]
    api_used: int
    api_allowed: int


class Pulse:
    """Job results as readiness and metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._errors: dict[str, str] = {}
        self._done: dict[str, datetime] = {}
        self._started_at: datetime | None = None
        self._deals = self._gauge("deals", "Deals by outcome", "outcome")
        self._parked = self._gauge("parked_reasons", "Open reasons that stop something")
        self._waiting = self._gauge("push_waiting", "Rows Salesforce does not hold as wanted")
        self._marks = self._gauge("watermark_seconds", "How far an object was read", "object")
        self._api = self._gauge("salesforce_api_calls", "API calls of the rolling day", "what")
        self._last = self._gauge("job_success_seconds", "When a job last succeeded", "job")
        self._steps = Counter(
            "closedwon_step_rows", "Rows by step and result", ["step", "result"],
            registry=self.registry,
        )  # fmt: skip
        self._failures = Counter(
            "closedwon_job_failures", "Failed runs by job", ["job"], registry=self.registry
        )

    def started(self, now: datetime) -> None:
        """The daemon begins."""
        self._started_at = now

    def succeeded(self, job: str, now: datetime) -> None:
        """A job came to its end."""
        with self._lock:
            self._errors.pop(job, None)
            self._done[job] = now
        self._last.labels(job).set(now.timestamp())

    def failed(self, job: str, error: str) -> None:
        """A job ended with an error; it stays shown until the job succeeds."""
        with self._lock:
            self._errors[job] = error
        self._failures.labels(job).inc()

    def stepped(self, report: StepReport) -> None:
        """Count what a step did."""
        for result in ("done", "unchanged", "parked"):
            self._steps.labels(report.step, result).inc(getattr(report, result))

    def observed(self, seen: Observation) -> None:
        """Set the gauges."""
        for outcome, count in seen.deals.items():
            self._deals.labels(outcome).set(count)
        for name, until in seen.watermarks.items():
            self._marks.labels(name).set(until.timestamp())
        self._parked.set(seen.parked)
        self._waiting.set(seen.push_waiting)
        self._api.labels("used").set(seen.api_used)
        self._api.labels("allowed").set(seen.api_allowed)

    def complaints(self, job: str, now: datetime, late_after: timedelta) -> list[str]:
        """Why the daemon is not ready; empty when it is. ``job`` must have run lately."""
        with self._lock:
            found = [f"{name}: {error}" for name, error in sorted(self._errors.items())]
            last = self._done.get(job)
        if last is None:
            found.append(f"{job}: has not succeeded yet")
        elif now - last > late_after:
            found.append(f"{job}: last succeeded at {last.isoformat()}")
        return found

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"closedwon_{name}", text, labels, registry=self.registry)
