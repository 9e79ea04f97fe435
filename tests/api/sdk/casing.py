"""What is tried of each method of the SDK: a success, a refusal, all pages.

A case is a function over a ``World``, registered under the name of its method; the files of
``cases/`` hold them, one per resource. ``test_every_method.py`` runs them and says what is missing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from api.sdk.world import World

Case = Callable[[World], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call that is refused: with which status, and a word of the message."""

    call: Callable[[World], Any]
    status: int
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """A list of at least three rows, and how it is asked for."""

    asked: Callable[..., Any]
    """Takes what pages are asked by (``limit``, ``extra_query``, ...); gives the SDK's page."""
    key: Callable[[Any], Any]
    """What tells a row from every other."""
    expected: frozenset[Any] = frozenset()
    """Keys that have to be among the rows."""


Pages = Callable[[World], Paging]

DONE: dict[str, Case] = {}
REFUSED: dict[str, Refusal] = {}
PAGED: dict[str, Pages] = {}


def does(method: str) -> Callable[[Case], Case]:
    """Registers a success: it calls the method and checks what the typed answer holds.

    It runs twice, once with every answer lost on its way and asked for again, so it makes what it
    changes itself and asserts how often a thing is there.
    """

    def register(case: Case) -> Case:
        assert method not in DONE, method
        DONE[method] = case
        return case

    return register


def refuses(method: str, status: int, word: str) -> Callable[[Case], Case]:
    """Registers a refusal: a call that raises, with this status and ``word`` in the message."""

    def register(case: Case) -> Case:
        assert method not in REFUSED, method
        REFUSED[method] = Refusal(call=case, status=status, word=word)
        return case

    return register


def pages(method: str) -> Callable[[Pages], Pages]:
    """Registers a list that is read a row at a time to its end."""

    def register(case: Pages) -> Pages:
        assert method not in PAGED, method
        PAGED[method] = case
        return case

    return register


def holds(got: Any, sent: Any, where: str = "") -> None:
    """Assert that what was sent stands in a typed answer: same words, numbers, instants, lists.

    Fields of the answer that were not sent are free; enumerations may come back in another case.
    """
    match sent:
        case Mapping():
            for name, inner in sent.items():
                found = got.get(name) if isinstance(got, Mapping) else getattr(got, name, None)
                holds(found, inner, f"{where}.{name}")
        case list() | tuple():
            assert len(got) == len(sent), f"{where}: sent {len(sent)}, got {len(got)}"
            for at, (found, inner) in enumerate(zip(got, sent, strict=True)):
                holds(found, inner, f"{where}[{at}]")
        case _:
            assert _plain(got) == _plain(sent, like=got), f"{where}: sent {sent}, got {got}"


def _plain(value: Any, like: Any = None) -> Any:
    """Numbers exact, instants as such where they are, words in one case."""
    match value:
        case bool() | None | datetime():
            return value
        case int() | float():
            return Decimal(str(value))
        case str() if isinstance(like, datetime):
            return datetime.fromisoformat(value)
        case str():
            return value.casefold()
        case _:
            return value
