"""Commits and credits of a customer itself: edits of their own, folded (D1; R109)."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.terms import Commit
from closedwon.kernel.errors import InvariantBroken


class AddCommit(msgspec.Struct, frozen=True, kw_only=True, tag="add"):
    """A new commit or credit."""

    commit: Commit


class ReplaceCommit(msgspec.Struct, frozen=True, kw_only=True, tag="replace"):
    """The whole new content of one that is there."""

    commit: Commit


class ArchiveCommit(msgspec.Struct, frozen=True, kw_only=True, tag="archive"):
    """Ends one (R205)."""

    commit_id: str


CustomerChange = AddCommit | ReplaceCommit | ArchiveCommit


class CustomerEdit(msgspec.Struct, frozen=True, kw_only=True):
    """One stored change of a customer's own terms."""

    id: str
    customer_id: str
    at: datetime
    """When it was recorded."""
    by: str
    change: CustomerChange
    source: Source | None = None
    uniqueness_key: str | None = None

    @property
    def commit_id(self) -> str:
        """The commit or credit it is about."""
        change = self.change
        return change.commit_id if isinstance(change, ArchiveCommit) else change.commit.id


def commits_of(edits: Iterable[CustomerEdit]) -> tuple[Commit, ...]:
    """The customer's commits and credits after ``edits`` (oldest first), in order of addition."""
    found: dict[str, Commit] = {}
    for edit in edits:
        change = edit.change
        if isinstance(change, AddCommit) == (edit.commit_id in found):
            raise InvariantBroken("a commit is added once, then changed", commit=edit.commit_id)
        if isinstance(change, ArchiveCommit):
            found[change.commit_id] = replace(found[change.commit_id], archived_at=edit.at)
        else:
            found[change.commit.id] = change.commit
    return tuple(found.values())
