"""Whole query results: pages followed, counted, checked, restarted by keyset when a cursor dies.

A page lost, repeated, cut short or belonging to another query is never taken for "no more rows"
(F013-F019, F028).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from closedwon.crm.salesforce.errors import LocatorLost
from closedwon.crm.salesforce.session import Reply, Session
from closedwon.crm.salesforce.soql import STAMP, Select, after_keys, instant_literal, text_literal
from closedwon.deals.types import Record
from closedwon.kernel.errors import RetryLater
from closedwon.kernel.instant import parse_instant

RESTARTS_MAX = 3
TOGETHER_MAX = 5
"""Queries one composite call may carry."""
URL_MAX = 12_000
"""Longest URL sent; Salesforce refuses 16,384 bytes, headers included."""


class Queries:
    """Reads the rows of queries through ``session``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, select: Select) -> Iterator[Record]:
        """Rows in the order of the query's keys, page by page.

        Raises RetryLater after the last good row when the result did not arrive whole: nothing
        that depends on completeness may be kept then.
        """
        yield from self.following(select, self._first(select, ""))

    def together(self, selects: Sequence[Select]) -> list[list[Record]]:
        """All rows of each query; the first pages of five queries cost one API call."""
        found: list[list[Record]] = []
        for at in range(0, len(selects), TOGETHER_MAX):
            batch = selects[at : at + TOGETHER_MAX]
            replies = self.first_pages(batch)
            pairs = zip(batch, replies, strict=True)
            found += [self._whole(select, reply) for select, reply in pairs]
        return found

    def _whole(self, select: Select, first: Reply) -> list[Record]:
        """All rows; a query not ordered by its keyset is read again from its start."""
        for _ in range(RESTARTS_MAX):
            try:
                return [row for page in self._pages(select, first) for row in page]
            except LocatorLost:
                first = self._first(select, "")
        return list(self.following(select, first))

    def first_pages(self, selects: Sequence[Select]) -> list[Reply]:
        """First page of each of at most five queries, in one API call."""
        paths = [self._session.query_path(s.text(), all_rows=s.all_rows) for s in selects]
        return self._read(paths)

    def _first(self, select: Select, after: str) -> Reply:
        path = self._session.query_path(select.text(after), all_rows=select.all_rows)
        return self._read([path])[0]

    def _read(self, paths: Sequence[str]) -> list[Reply]:
        """A short path is read plainly; composite also carries what no URL can."""
        if len(paths) == 1 and len(paths[0]) <= URL_MAX:
            return [self._session.get(paths[0])]
        replies = self._session.read_together({f"q{at}": path for at, path in enumerate(paths)})
        return list(replies.values())

    def following(self, select: Select, first: Reply) -> Iterator[Record]:
        """Rows of ``first`` and of every page behind it; a lost cursor restarts by keyset.

        Raises LocatorLost when the query is ordered by anything but SystemModstamp and Id.
        """
        reply = first
        last: Record | None = None
        for _ in range(RESTARTS_MAX + 1):
            try:
                for rows in self._pages(select, reply):
                    yield from rows
                    last = rows[-1] if rows else last
            except LocatorLost:
                if not set(select.keys) <= {STAMP, "Id"}:
                    raise
                reply = self._first(select, _after(select, last))
            else:
                return
        raise RetryLater("query cursors keep dying", object=select.object_name)

    def _pages(self, select: Select, first: Reply) -> Iterator[list[Record]]:
        """Pages of one cursor, checked against its totalSize."""
        page = _page(first.body, select)
        total, count = page["totalSize"], 0
        seen: set[str] = set()
        while True:
            rows = page["records"]
            count += len(rows)
            seen.update([row["Id"] for row in rows])
            if len(seen) != count:
                raise RetryLater("a row arrived twice", object=select.object_name)
            yield rows
            if page["done"]:
                break
            page = _page(self._session.get(page["nextRecordsUrl"]).body, select)
        if count != total:
            raise RetryLater(
                "a query result is not whole", object=select.object_name, rows=count, expected=total
            )


def _page(body: Any, select: Select) -> Mapping[str, Any]:
    """A sound page; raises RetryLater for any other shape."""
    if not isinstance(body, dict):
        raise RetryLater("not a page of rows", object=select.object_name)
    rows, done, more = body.get("records"), body.get("done"), body.get("nextRecordsUrl")
    ends_well = done is True if more is None else done is False and isinstance(more, str)
    if not (isinstance(rows, list) and isinstance(body.get("totalSize"), int) and ends_well):
        raise RetryLater("not a page of rows", object=select.object_name)
    _check(rows, select.object_name)
    parents = {path.partition(".")[0] for path in select.fields if "." in path}
    for row in rows:
        del row["attributes"]
        for parent in parents:
            _strip(row.get(parent))
    return body


def _check(rows: list[Any], object_name: str) -> None:
    """Raise RetryLater unless these are rows of that object, whose name may differ in case."""
    try:
        types = {row["attributes"]["type"] for row in rows}
        ids = {row["Id"].__class__ for row in rows}
    except (KeyError, TypeError) as error:
        raise RetryLater("a row without Id or type", object=object_name) from error
    if ids - {str} or {str(found).lower() for found in types} - {object_name.lower()}:
        raise RetryLater("rows of another object", object=object_name, found=str(sorted(types)))


def _strip(parent: Any) -> None:
    """Take ``attributes`` out of a parent, and out of its own parents."""
    if isinstance(parent, dict):
        parent.pop("attributes", None)
        for value in parent.values():
            _strip(value)


def _after(select: Select, last: Record | None) -> str:
    if last is None:
        return ""
    literals = [
        instant_literal(parse_instant(last[key])) if key == STAMP else text_literal(last[key])
        for key in select.keys
    ]
    return after_keys(select.keys, literals)
