"""The runner: every step once, in order, each restartable by itself."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from closedwon.kernel.errors import RetryLater
from closedwon.step import Step, StepReport
from closedwon.store.database import writing
from closedwon.store.line import LineStore

PASSES_MAX = 1000
"""No catching up takes more passes; each does one batch per step."""


def run_line(steps: Iterable[Step], store: LineStore, now: datetime) -> Iterator[StepReport]:
    """Yield one report per step; every step sees the same ``now`` (UTC).

    A step whose outside is away (RetryLater) does not stop the ones after it; the first such error
    is raised when all had their turn. Any other error stops the line at once. Both are logged.
    """
    away: RetryLater | None = None
    for step in steps:
        try:
            report = step.run(now)
        except RetryLater as error:
            away = away or error
            _log(store, StepReport(step=step.name, notes=("away",)), now, str(error))
            yield StepReport(step=step.name, notes=(str(error),))
            continue
        except Exception as error:
            _log(store, StepReport(step=step.name), now, f"{type(error).__name__}: {error}")
            raise
        _log(store, report, now)
        yield report
    if away is not None:
        raise away


def settle(steps: Iterable[Step], store: LineStore, now: datetime) -> Iterator[StepReport]:
    """Run the line until a pass changes nothing (a report per step and pass), then check G2.

    Raises InvariantBroken when parked deals and parked reasons disagree.
    """
    chosen = tuple(steps)
    for _ in range(PASSES_MAX):
        moved = False
        for report in run_line(chosen, store, now):
            moved = moved or report.changed_anything
            yield report
        if not moved:
            break
    store.deals.check()


def totals(reports: Iterable[StepReport]) -> tuple[StepReport, ...]:
    """One report per step over several passes: counts of work add up, waiting is the last."""
    found: dict[str, StepReport] = {}
    for report in reports:
        known = found.get(report.step, StepReport(step=report.step))
        found[report.step] = StepReport(
            step=report.step,
            done=known.done + report.done,
            unchanged=known.unchanged + report.unchanged,
            parked=known.parked + report.parked,
            waiting=report.waiting,
            notes=(*known.notes, *(note for note in report.notes if note not in known.notes)),
        )
    return tuple(found.values())


def _log(store: LineStore, report: StepReport, now: datetime, error: str = "") -> None:
    with writing(store.db):
        store.runs.record(report, now, error)
