"""The rows of an answer: which records they are is fixed, what they show is read on access."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

Row = dict[str, Any]
Render = Callable[[Sequence[int]], list[Row]]
PAGE = 2_000
"""Rows rendered at once while iterating."""


class Rows(Sequence[Row]):
    """Rows by record number; a slice renders all of its rows in one reading."""

    def __init__(self, numbers: Sequence[int], render: Render) -> None:
        self._numbers = numbers
        self._render = render

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        """One row, or the list of a slice."""
        if isinstance(at, slice):
            return self._render(self._numbers[at])
        return self._render([self._numbers[at]])[0]

    def __iter__(self) -> Iterator[Row]:
        for start in range(0, len(self), PAGE):
            yield from self[start : start + PAGE]

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, Sequence) else other)

    __hash__ = None  # type: ignore[assignment]
