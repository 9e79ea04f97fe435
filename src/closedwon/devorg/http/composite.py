"""``/composite``: up to 25 dependent calls in one, and ``/composite/batch`` (S 2.5)."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from closedwon.devorg.errors import OrgError
from closedwon.devorg.http.exchange import Answer, failure, split_path, split_query
from closedwon.devorg.http.service import Call, Service
from closedwon.devorg.http.writes import atomically

CALLS_MAX = 25
QUERIES_MAX = 5
"""Queries and collections among the calls of one composite."""
REFERENCE: Final = re.compile(r"@\{([^}]*)\}")
STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

UNDONE = "The transaction was rolled back since another operation in the same transaction failed."

T = TypeVar("T")
Dispatch = Callable[[Service, Call], Answer]


class Subrequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call inside a composite."""

    method: str
    url: str
    reference_id: str = msgspec.field(name="referenceId")
    body: Any = None
    http_headers: Mapping[str, str] = msgspec.field(name="httpHeaders", default={})


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call inside a batch; its URL starts with the version."""

    method: str
    url: str
    rich_input: Any = msgspec.field(name="richInput", default=None)


class _Unresolved(Exception):
    """A reference to something that no earlier answer holds."""


def composite(service: Service, call: Call, dispatch: Dispatch) -> Answer:
    """Run the subrequests in order; with ``allOrNone`` the first failure undoes them all.

    Without it a failure only halts the subrequests that refer to it. ``collateSubrequests``
    is accepted and means nothing here: subrequests always run one by one.
    """
    wanted = _parsed(call.fields().get("compositeRequest"), Subrequest, "compositeRequest")
    _check(wanted)
    answers: dict[str, Answer] = {}
    if call.fields().get("allOrNone") is not True:
        for request in wanted:
            answers[request.reference_id] = _answer(service, call, request, answers, dispatch)
        return _composed(wanted, answers)
    outer = msgspec.structs.replace(call, all_or_none=True)

    def work() -> bool:
        for request in wanted:
            answer = _answer(service, outer, request, answers, dispatch)
            answers[request.reference_id] = answer
            if _failed(answer):
                return False
        return True

    if not atomically(service, work):
        undone = failure(400, "PROCESSING_HALTED", UNDONE)
        failed = {name: answer for name, answer in answers.items() if _failed(answer)}
        answers = {request.reference_id: undone for request in wanted} | failed
    return _composed(wanted, answers)


def batch(service: Service, call: Call, dispatch: Dispatch) -> Answer:
    """Run independent calls; ``haltOnError`` leaves out those after the first failure."""
    wanted = _parsed(call.fields().get("batchRequests"), BatchRequest, "batchRequests")
    if len(wanted) > CALLS_MAX:
        raise OrgError("LIMIT_EXCEEDED", f"A batch holds at most {CALLS_MAX} requests")
    halts = call.fields().get("haltOnError") is True
    halted = failure(412, "BATCH_PROCESSING_HALTED", "A previous request was unsuccessful")
    answers: list[Answer] = []
    for request in wanted:
        if halts and any(answer.is_failure for answer in answers):
            answers.append(halted)
            continue
        nested = _nested(call, request.method, f"/services/data/{request.url.lstrip('/')}")
        nested = msgspec.structs.replace(nested, body=request.rich_input)
        answers.append(dispatch(service, nested))
    return Answer(
        body={
            "hasErrors": any(answer.is_failure for answer in answers),
            "results": [{"statusCode": answer.status, "result": answer.body} for answer in answers],
        }
    )


def _parsed(found: Any, kind: type[T], name: str) -> list[T]:
    try:
        return [msgspec.convert(each, kind) for each in msgspec.convert(found, list[Any])]
    except msgspec.ValidationError as error:
        raise OrgError("JSON_PARSER_ERROR", f"{name}: {error}") from error


def _check(wanted: Sequence[Subrequest]) -> None:
    if len(wanted) > CALLS_MAX:
        raise OrgError("LIMIT_EXCEEDED", f"A composite holds at most {CALLS_MAX} subrequests")
    if len({request.reference_id for request in wanted}) < len(wanted):
        raise OrgError("DUPLICATE_VALUE", "Duplicate referenceId in compositeRequest")
    if sum(map(_is_costly, wanted)) > QUERIES_MAX:
        raise OrgError(
            "LIMIT_EXCEEDED",
            f"A composite holds at most {QUERIES_MAX} query and sObject collection subrequests",
        )


def _is_costly(request: Subrequest) -> bool:
    path = split_path(request.url.partition("?")[0])[3:]
    names = tuple(name.casefold() for name in path[:2])
    return names[:1] in (("query",), ("queryall",)) or names == ("composite", "sobjects")


def _answer(
    service: Service,
    call: Call,
    request: Subrequest,
    answers: Mapping[str, Answer],
    dispatch: Dispatch,
) -> Answer:
    try:
        url = _in_text(request.url, answers, lambda value: quote(str(value), safe=""))
        body = _resolved(request.body, answers)
    except _Unresolved as error:
        return failure(400, "PROCESSING_HALTED", f"Invalid reference specified. {error}")
    nested = _nested(call, request.method, url)
    headers = {name.lower(): value for name, value in request.http_headers.items()}
    return dispatch(service, msgspec.structs.replace(nested, body=body, headers=headers))


def _nested(call: Call, method: str, url: str) -> Call:
    """The call that a subrequest means; an address outside the REST API has an empty path."""
    path, _, query = url.partition("?")
    segments = split_path(path)
    inside = segments[:2] == ("services", "data") and len(segments) > 2
    return Call(
        method=method.upper(),
        path=segments[3:] if inside else (),
        version=segments[2].lstrip("v") if inside else call.version,
        user_id=call.user_id,
        query=split_query(query),
        all_or_none=call.all_or_none,
    )


def _resolved(value: Any, answers: Mapping[str, Answer]) -> Any:
    if isinstance(value, str):
        whole = REFERENCE.fullmatch(value)
        return _referred(whole[1], answers) if whole else _in_text(value, answers, str)
    if isinstance(value, dict):
        return {key: _resolved(inner, answers) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, answers) for inner in value]
    return value


def _in_text(text: str, answers: Mapping[str, Answer], shown: Callable[[Any], str]) -> str:
    return REFERENCE.sub(lambda found: shown(_referred(found[1], answers)), text)


def _referred(reference: str, answers: Mapping[str, Answer]) -> Any:
    """What ``ref.records[0].Id`` stands for among the answers so far; raises _Unresolved."""
    name, _, path = reference.partition(".")
    name, bracket, rest = name.partition("[")
    path = f"{bracket}{rest}{'.' if bracket and path else ''}{path}"
    answer = answers.get(name)
    if answer is None or answer.is_failure:
        raise _Unresolved(f"No value for {reference} found in {name}")
    value = answer.body
    for key, index in STEP.findall(path):
        try:
            value = value[int(index)] if index else value[key]
        except (KeyError, IndexError, TypeError) as error:
            raise _Unresolved(f"No value for {reference} found in {name}") from error
    return value


def _failed(answer: Answer) -> bool:
    """A refused call, or a collection in which a row was refused."""
    rows = answer.body if isinstance(answer.body, list) else []
    return answer.is_failure or any(
        isinstance(row, dict) and row.get("success") is False for row in rows
    )


def _composed(wanted: Sequence[Subrequest], answers: Mapping[str, Answer]) -> Answer:
    composed = [
        {
            "body": answers[request.reference_id].body,
            "httpHeaders": answers[request.reference_id].headers,
            "httpStatusCode": answers[request.reference_id].status,
            "referenceId": request.reference_id,
        }
        for request in wanted
    ]
    return Answer(body={"compositeResponse": composed})
