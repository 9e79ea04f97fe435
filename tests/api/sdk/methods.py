"""Every method of the official SDK, found by looking at it: a new one shows up by itself."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from metronome import Metronome
from metronome._resource import SyncAPIResource

REQUEST = re.compile(r"self\._(get_api_list|get|post|put|patch|delete)\(\s*")
PATH = re.compile(r"(?:path_template\(\s*)?f?\"(?P<path>/[^\"]+)\"")
PAGE = re.compile(r"Sync\w*Page\w*\[")
LIST_VERB = re.compile(r"method=\"(?P<verb>\w+)\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of the SDK and the request it makes."""

    name: str
    """As it is called: ``v1.customers.create``."""
    verb: str
    path: str
    """With the SDK's own names in braces."""
    is_paged: bool

    def matches(self, verb: str, path: str) -> bool:
        """Whether a request is one of this method."""
        return verb == self.verb and re.fullmatch(_pattern(self.path), path) is not None

    def of(self, client: Metronome) -> Any:
        """The bound method of ``client``."""
        found: Any = client
        for part in self.name.split("."):
            found = getattr(found, part)
        return found


@cache
def methods() -> tuple[Method, ...]:
    """All of them, by name; raises AssertionError for one that cannot be read."""
    with Metronome(bearer_token="none", base_url="http://127.0.0.1") as client:
        return tuple(sorted(_of(client, ""), key=lambda one: one.name))


def shape_of(path: str) -> str:
    """The path without the names in its braces, to compare ours with theirs."""
    return re.sub(r"{\w+}", "{}", path)


def _of(owner: Any, prefix: str) -> Iterator[Method]:
    for name in dir(type(owner)):
        if name.startswith(("_", "with_")):
            continue
        if not prefix and name not in {"v1", "v2"}:
            continue
        found = getattr(owner, name)
        if isinstance(found, SyncAPIResource):
            yield from _of(found, f"{prefix}{name}.")
        elif inspect.ismethod(found):
            yield _method(f"{prefix}{name}", found)


def _method(name: str, bound: Any) -> Method:
    source = inspect.getsource(bound)
    request = REQUEST.search(source)
    assert request, f"{name} makes no request that can be read"
    path = PATH.match(source, request.end())
    assert path, f"{name} has no path that can be read"
    verb = request[1]
    if verb == "get_api_list":
        given = LIST_VERB.search(source, path.end())
        verb = given["verb"] if given else "get"
    answer = inspect.signature(bound, eval_str=False).return_annotation
    is_paged = PAGE.match(str(answer)) is not None
    return Method(name=name, verb=verb.upper(), path=path["path"], is_paged=is_paged)


def _pattern(path: str) -> str:
    return re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
