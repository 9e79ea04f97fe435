"""Usage events in bulk, ours: JSON lines as a stream (R16-R18, G11, G21)."""

from collections.abc import Iterable
from typing import Any

from closedwon.api.call import Intake, Route
from closedwon.kernel.errors import ClosedwonError
from closedwon.store.tokens import Scope
from closedwon.usage.lines import ingest_stream, read_lines
from closedwon.usage.types import IngestReport, Rejection

REFUSALS_SHOWN_MAX = 100


class Told:
    """What became of the lines so far."""

    def __init__(self) -> None:
        self._stored = self._duplicates = self._refused = 0
        self._refusals: list[Rejection] = []

    def add(self, report: IngestReport) -> None:
        """One durable chunk."""
        refused = sorted((*report.rejected, *report.contradicted), key=lambda one: int(one.place))
        self._stored += report.accepted
        self._duplicates += report.duplicates
        self._refused += len(refused)
        self._refusals += refused[: REFUSALS_SHOWN_MAX - len(self._refusals)]

    @property
    def counts(self) -> dict[str, int]:
        """``lines = stored + duplicates + refused``; blank lines are none."""
        return {
            "lines": self._stored + self._duplicates + self._refused,
            "stored": self._stored,
            "duplicates": self._duplicates,
            "refused": self._refused,
        }

    @property
    def refusals(self) -> list[dict[str, Any]]:
        """The first lines that were refused."""
        return [
            {"line": int(one.place), "code": one.code, "message": one.message}
            for one in self._refusals
        ]


def ingest(intake: Intake, parts: Iterable[bytes]) -> Any:
    """Store events sent as JSON lines, one a line; good lines are stored whatever the others are.

    The body may be of any length up to a gigabyte, with or without a Content-Length, plain or
    packed with gzip. Lines are durable chunk by chunk; a stream that breaks off is sent again, and
    nothing counts twice (R5). The answer counts the lines and names the first that were refused.
    """
    told = Told()
    try:
        for report in ingest_stream(intake.ingest, read_lines(parts), intake.now):
            told.add(report)
    except ClosedwonError as error:
        error.facts.update(told.counts)
        raise
    return {"data": {**told.counts, "refusals": told.refusals}}


ROUTES = (
    Route(
        method="POST",
        path="/closedwon/ingest",
        scope=Scope.INGEST,
        do=ingest,
        is_raw=True,
        is_streamed=True,
        media="application/x-ndjson",
        needs_engine=False,
        is_stored=False,
    ),
)
