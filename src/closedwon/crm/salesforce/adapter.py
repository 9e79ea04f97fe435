"""Salesforce as the line sees it: ports.Crm over a session."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from closedwon.crm.salesforce.deal import DealReader, Fingerprint
from closedwon.crm.salesforce.describe import Describe
from closedwon.crm.salesforce.poll import Poll, stamp_of
from closedwon.crm.salesforce.query import Queries
from closedwon.crm.salesforce.session import Session
from closedwon.crm.salesforce.soql import STAMP, Select, date_literal, lists_of, within
from closedwon.crm.salesforce.write import Write
from closedwon.crm.windows import SETTLE
from closedwon.deals.source import DealSource
from closedwon.deals.types import Deal
from closedwon.formula.schema import FieldInfo
from closedwon.ports import ApiUsage, ChangedRow, Gone, RowResult, Unready, Window
from closedwon.transport import Patience

TOGETHER = 5
"""Chunks of deals read at the same time; Salesforce allows 25 long requests, 5 in a trial org."""
DEALS_PER_CHUNK = 1000
IDS_PER_QUERY = 500

Outcome = Deal | Unready | Gone


class SalesforceCrm:
    """Implements ports.Crm; see there for the errors raised."""

    def __init__(
        self,
        session: Session,
        source: DealSource,
        *,
        fingerprint: Fingerprint,
        patience: Patience,
        settle: timedelta = SETTLE,
        deals_per_chunk: int = DEALS_PER_CHUNK,
    ) -> None:
        self._session = session
        self._source = source
        self._queries = Queries(session)
        self._poll = Poll(self._queries, source)
        self._reader = DealReader(self._queries, source, fingerprint, settle)
        self._write = Write(session, patience)
        self._describe = Describe(session)
        self._deals_per_chunk = deals_per_chunk

    def org_id(self) -> str:
        """18-character id of the org."""
        return self._session.org_id()

    def server_now(self) -> datetime:
        """The org's own clock, whole seconds; costs no API call."""
        return self._session.server_now()

    def changes(self, windows: Sequence[Window]) -> Iterable[ChangedRow]:
        """Rows changed inside the windows, deleted ones too; five objects in one API call."""
        return self._poll.changes(windows)

    def won(self, since: datetime, until: datetime) -> Iterable[str]:
        """Ids of deals matching the trigger, closed on a day in ``[since, until)``, by id."""
        closed_on = self._source.closed_on
        where = (
            f"({self._source.trigger}) AND {closed_on} >= {date_literal(since.date())}"
            f" AND {closed_on} < {date_literal(until.date())}"
        )
        select = Select(object_name=self._source.root, fields=("Id",), where=where)
        return (str(row["Id"]) for row in self._queries.rows(select))

    def visible(self) -> Iterable[tuple[str, datetime]]:
        """(id, SystemModstamp) of every deal matching the trigger, by id."""
        select = Select(
            object_name=self._source.root, fields=("Id", STAMP), where=self._source.trigger
        )
        return ((str(row["Id"]), stamp_of(row)) for row in self._queries.rows(select))

    def matching(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of ``ids`` that match the trigger now."""
        selects = [
            Select(
                object_name=self._source.root,
                fields=("Id",),
                where=f"({self._source.trigger}) AND {within('Id', batch)}",
            )
            for batch in lists_of(ids, IDS_PER_QUERY)
        ]
        found = self._queries.together(selects)
        return frozenset(str(row["Id"]) for rows in found for row in rows)

    def deal(self, opportunity_id: str, now: datetime) -> Outcome:
        """The deal read as a whole and checked; ``now`` is the org's clock before this call."""
        return next(self._reader.read([opportunity_id], now))

    def deals(self, ids: Iterable[str], now: datetime) -> Iterator[Outcome]:
        """One outcome per id, in order; five chunks of a thousand deals are read at a time."""
        left = iter(ids)
        ahead: deque[Future[list[Outcome]]] = deque()
        with ThreadPoolExecutor(TOGETHER, thread_name_prefix="deals") as pool:
            try:
                while True:
                    while len(ahead) < TOGETHER:
                        chunk = list(islice(left, self._deals_per_chunk))
                        if not chunk:
                            break
                        ahead.append(pool.submit(lambda c: list(self._reader.read(c, now)), chunk))
                    if not ahead:
                        return
                    yield from ahead.popleft().result()
            finally:
                for waiting in ahead:
                    waiting.cancel()

    def upsert(
        self, object_name: str, key_field: str, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[RowResult, ...]:
        """Upsert by external id in chunks of 200; one result per row, in order."""
        return self._write.upsert(object_name, key_field, rows)

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """Fields of an object by name."""
        return self._describe.fields(object_name)

    def usage(self) -> ApiUsage:
        """API calls used in the org's rolling day, as of the last answer."""
        return self._session.usage()
