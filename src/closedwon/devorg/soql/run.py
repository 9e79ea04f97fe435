"""Answers SOQL statements: parse, bind, choose the records, render them on access."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import msgspec

from closedwon.devorg.answers import QueryAnswer
from closedwon.devorg.reading import Reading
from closedwon.devorg.soql import ordering
from closedwon.devorg.soql.aggregate import is_aggregate
from closedwon.devorg.soql.faults import Text
from closedwon.devorg.soql.parse import parsed
from closedwon.devorg.soql.paths import BoundPath
from closedwon.devorg.soql.plan import GroupPlan, Plan, Planner
from closedwon.devorg.soql.rows import Row, Rows
from closedwon.devorg.soql.shape import Shape
from closedwon.devorg.soql.syntax import Path, Query, Selected
from closedwon.devorg.soql.values import ID_TYPES
from closedwon.devorg.storage import Stored


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """Runs one statement under the storage's lock."""

    reading: Reading
    renew: Callable[[], Reading]
    """A fresh reading for rows that are rendered later."""
    api_version: str
    all_rows: bool

    def answer(self, soql: str) -> QueryAnswer:
        """The answer; raises OrgError with Salesforce's code and text."""
        text = Text(soql)
        try:
            query = parsed(soql)
            planner = self._planner(text, self._semi_join(text))
            if is_aggregate(query):
                return self._grouped(planner.grouped(query))
            plan = planner.plan(query)
        except RecursionError as error:
            raise text.malformed("SOQL statement is too complex.") from error
        numbers = self.numbers(plan)
        if plan.shape is None:
            return QueryAnswer(rows=[], total=len(numbers))
        return QueryAnswer(rows=Rows(numbers, self._renderer(plan.shape)), total=len(numbers))

    def _grouped(self, plan: GroupPlan) -> QueryAnswer:
        records = (self.reading.wrap(stored) for stored in self._matching(plan.rows))
        kept = [group for group in plan.grouping.groups(records) if plan.having.test(group)]
        ordering.arranged(kept, plan.keys, lambda group, at: plan.keys[at].of(group))
        end = None if plan.limit is None else plan.offset + plan.limit
        rows = plan.grouping.rows(kept[plan.offset : end])
        return QueryAnswer(rows=rows, total=len(rows))

    def numbers(self, plan: Plan) -> list[int]:
        """Record numbers of the rows, ordered, after OFFSET and LIMIT."""
        end = None if plan.limit is None else plan.offset + plan.limit
        condition, parameters = self._narrowed(plan)
        sorted_by = ordering.as_sql(plan.keys)
        if plan.filter.exact and sorted_by is not None:
            order = f" order by {sorted_by}" if sorted_by else ""
            size = f" limit {-1 if end is None else end}"
            statement = f"select r.seq from record r {condition}{order}{size}"  # noqa: S608
            found = [seq for (seq,) in self.reading.storage.db.execute(statement, parameters)]
            return found[plan.offset :]
        return self._tested(plan, condition, parameters)[plan.offset : end]

    def _tested(self, plan: Plan, condition: str, parameters: Sequence[Any]) -> list[int]:
        """Numbers of the rows that Python keeps, sorted by Python."""
        test = plan.filter.test
        kept: list[tuple[int, tuple[Any, ...]]] = []
        for stored in self.reading.storage.rows(condition, parameters):
            record = self.reading.wrap(stored)
            if test(record):
                kept.append((stored.seq, tuple(key.of(record) for key in plan.keys)))
        ordering.arranged(kept, plan.keys, lambda row, at: row[1][at])
        return [seq for seq, _ in kept]

    def _narrowed(self, plan: Plan) -> tuple[str, tuple[Any, ...]]:
        """The SQL condition on ``record r``: object, deletion and what the filter allows."""
        code = self.reading.storage.object_code(plan.info.name)
        condition = "where r.object = ?" + ("" if self.all_rows else " and r.is_deleted = 0")
        sql = plan.filter.sql
        if sql is None:
            return condition, (code,)
        return f"{condition} and ({sql.text.replace('{r}', 'r')})", (code, *sql.parameters)

    def _planner(self, text: Text, select: Callable[[Query], Collection[str]] | None) -> Planner:
        return Planner(
            reading=self.reading,
            text=text,
            api_version=self.api_version,
            all_rows=self.all_rows,
            select=select,
        )

    def _semi_join(self, text: Text) -> Callable[[Query], Collection[str]]:
        planner = self._planner(text, None)

        def select(query: Query) -> Collection[str]:
            path = self._joined_path(query, planner, text)
            plan = planner.plan(query)
            return {
                value
                for stored in self._matching(plan)
                if (value := path.get(self.reading.wrap(stored))) is not None
            }

        return select

    def _matching(self, plan: Plan) -> Iterator[Stored]:
        condition, parameters = self._narrowed(plan)
        for stored in self.reading.storage.rows(condition, parameters):
            if plan.filter.exact or plan.filter.test(self.reading.wrap(stored)):
                yield stored

    def _joined_path(self, query: Query, planner: Planner, text: Text) -> BoundPath:
        """The one id or reference field a semi-join selects."""
        match query.selected:
            case (Selected(what=Path() as path, alias=None),):
                found = planner.names(query, planner.root(query)).path(path)
            case _:
                raise text.malformed(
                    "Semi join sub-selects must select exactly one field", query.source.offset
                )
        if found.field.type not in ID_TYPES:
            raise text.malformed(
                "The selected field in the semi join sub-select should be of type ID or reference",
                path.offset,
            )
        if query.limit is not None or query.ordered or is_aggregate(query):
            raise text.malformed(
                "Semi join sub-selects can not use LIMIT, ORDER BY or GROUP BY",
                query.source.offset,
            )
        return found

    def _renderer(self, shape: Shape) -> Callable[[Sequence[int]], list[Row]]:
        renew = self.renew

        def render(numbers: Sequence[int]) -> list[Row]:
            reading = renew()
            storage = reading.storage
            with storage.lock:
                condition = "where r.seq in (select value from json_each(?))"
                rows = storage.rows(condition, (json.dumps(list(numbers)),))
                found = {stored.seq: stored for stored in rows}
                return [shape.render(reading.wrap(found[seq])) for seq in numbers if seq in found]

        return render
