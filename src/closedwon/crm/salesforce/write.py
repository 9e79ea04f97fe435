"""Rows to Salesforce: upserts keyed by external id, in chunks, one result per row (10.2, G14, G15).

Every write is keyed, so after an unknown outcome it is simply sent again: the effect is the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from closedwon.crm.salesforce.errors import ROW_RETRYABLE, faults
from closedwon.crm.salesforce.session import Session
from closedwon.kernel.errors import Conflict, NotFound, Refused, RetryLater
from closedwon.ports import RowResult
from closedwon.transport import Patience, Transient

CHUNK_MAX = 200
CALLS_MAX = 40
"""Calls spent on cutting one refused chunk: enough to find two bad rows; the rest is reported."""
AGAIN = ("UNABLE_TO_LOCK_ROW", "DUPLICATE_VALUE")
"""Failures of single rows that are worth further attempts within the call."""

Numbered = Mapping[int, Mapping[str, Any]]
"""Rows by their place in what the caller sent."""


class Write:
    """Upserts through ``session``; rows that met a lock are sent again with ``patience``."""

    def __init__(self, session: Session, patience: Patience) -> None:
        self._session = session
        self._patience = patience

    def upsert(
        self, object_name: str, key_field: str, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[RowResult, ...]:
        """One result per row, in order; values are str, int, bool, None, Decimal or Mapping.

        Raises Refused when two rows share a key, and RetryLater when an outcome stayed unknown:
        the same rows may be sent again.
        """
        keys = [row.get(key_field) for row in rows]
        if None in keys or len(set(keys)) != len(keys):
            raise Refused("rows of one upsert need distinct keys", object=object_name)
        path = f"composite/sobjects/{quote(object_name)}/{quote(key_field)}"
        records = [{"attributes": {"type": object_name}, **row} for row in rows]
        results: dict[int, RowResult] = {}
        for at in range(0, len(records), CHUNK_MAX):
            chunk = dict(enumerate(records[at : at + CHUNK_MAX], start=at))
            results |= self._settled(path, chunk)
        return tuple(results[at] for at in range(len(records)))

    def _settled(self, path: str, rows: Numbered) -> dict[int, RowResult]:
        """Results of ``rows``; only the rows that met a lock are sent again (G14)."""
        results: dict[int, RowResult] = {}

        def attempt() -> None:
            left = {at: rows[at] for at in rows if _is_open(results.get(at))}
            results.update(self._sent(path, left))
            locked = sum(_is_open(result) for result in results.values())
            if locked:
                raise Transient("rows are locked", rows=locked)

        try:
            self._patience.run(attempt)
        except Transient as error:
            if len(results) < len(rows):
                raise RetryLater(error.message, **error.facts) from error
        return results

    def _sent(self, path: str, rows: Numbered) -> dict[int, RowResult]:
        """Results of one attempt; a chunk refused as a whole is cut until the bad row is alone."""
        results: dict[int, RowResult] = {}
        left = [list(rows)]
        calls = 0
        while left:
            part = left.pop()
            calls += 1
            try:
                results |= self._once(path, {at: rows[at] for at in part})
            except (NotFound, Conflict):
                raise
            except Refused as error:
                if len(part) > 1 and calls < CALLS_MAX:
                    middle = len(part) // 2
                    left += [part[middle:], part[:middle]]
                else:
                    results |= dict.fromkeys(part, _refused(error))
        return results

    def _once(self, path: str, rows: Numbered) -> dict[int, RowResult]:
        body = {"allOrNone": False, "records": list(rows.values())}
        try:
            answers = self._session.upsert(path, body).body
        except Transient as error:
            raise RetryLater(error.message, **error.facts) from error
        if not isinstance(answers, list) or len(answers) != len(rows):
            raise Transient("the results do not belong to the rows sent", path=path)
        return {at: _result(answer) for at, answer in zip(rows, answers, strict=True)}


def _is_open(result: RowResult | None) -> bool:
    return result is None or result.code in AGAIN


def _result(answer: Any) -> RowResult:
    if not isinstance(answer, dict):
        raise Transient("a row result of unknown shape")
    if answer.get("success") is True and isinstance(answer.get("id"), str):
        return RowResult(ok=True, id=answer["id"], created=answer.get("created") is True)
    fault = faults(answer.get("errors"))[0]
    return RowResult(
        ok=False,
        code=fault.code or "UNKNOWN_EXCEPTION",
        message=fault.message,
        fields=fault.fields,
        retryable=fault.code in ROW_RETRYABLE or not fault.code,
    )


def _refused(error: Refused) -> RowResult:
    fields = str(error.facts.get("fields", ""))
    return RowResult(
        ok=False,
        code=str(error.facts.get("error", "REFUSED")),
        message=error.message,
        fields=tuple(fields.split(", ")) if fields else (),
    )
