"""The instants of a contract that system events tell of (metronome.md 2.11, R279)."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from closedwon.billing.contracts.edits import Archive, Create, Edit, Revise
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.kernel.ids import derive


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One instant; ``id`` stays when the instant moves."""

    id: str
    type: str
    """contract.start, commit.segment.end, credit.create, ..."""
    at: datetime
    contract_id: str
    commit_id: str | None = None
    recurring_id: str | None = None
    segment_id: str | None = None
    segment_index: int | None = None
    """From 0, among ``segment_count``."""
    segment_count: int | None = None


def scheduled(contract: Contract) -> Iterator[Moment]:
    """Starts and ends of the contract and of its balances' segments, archived ones left out.

    A segment that reaches beyond its contract ends with it (R117).
    """
    if contract.archived_at is not None:
        return
    yield _of_contract(contract, "contract.start", contract.term.start)
    if contract.term.end is not None:
        yield _of_contract(contract, "contract.end", contract.term.end)
    for commit in contract.commits:
        if commit.archived_at is None:
            yield from _of_segments(contract, commit)


def acted(edit: Edit, contract: Contract) -> Iterator[Moment]:
    """What an edit did, at the instant it was recorded; ``contract`` is what it made."""
    created, edited, archived = _touched(edit)
    match edit.change:
        case Create():
            yield _of_edit(edit, "contract.create")
        case Archive():
            yield _of_edit(edit, "contract.archive")
        case _:
            yield _of_edit(edit, "contract.edit")
    commits = {commit.id: commit for commit in contract.commits}
    for action, ids in (("create", created), ("edit", edited), ("archive", archived)):
        for commit_id in ids:
            if commit_id in commits:
                yield _of_commit(edit, commits[commit_id], action)


def _touched(edit: Edit) -> tuple[list[str], list[str], list[str]]:
    """Ids of commits the edit created, edited and archived."""
    change = edit.change
    if isinstance(change, Revise):
        return (
            [commit.id for commit in change.add.commits],
            [commit.id for commit in change.replace.commits],
            list(change.archive_ids),
        )
    terms = getattr(change, "terms", None)
    return ([] if terms is None else [commit.id for commit in terms.commits], [], [])


def _of_contract(contract: Contract, kind: str, at: datetime) -> Moment:
    return Moment(id=derive("moment", contract.id, kind), type=kind, at=at, contract_id=contract.id)


def _of_edit(edit: Edit, kind: str) -> Moment:
    return Moment(
        id=derive("moment", edit.id, kind), type=kind, at=edit.at, contract_id=edit.contract_id
    )


def _of_commit(edit: Edit, commit: Commit, action: str) -> Moment:
    kind = f"{_word(commit)}.{action}"
    return Moment(
        id=derive("moment", edit.id, kind, commit.id),
        type=kind,
        at=edit.at,
        contract_id=edit.contract_id,
        commit_id=commit.id,
        recurring_id=commit.recurring_id,
    )


def _of_segments(contract: Contract, commit: Commit) -> Iterator[Moment]:
    for index, segment in enumerate(commit.segments):
        ends = min(segment.window.until, contract.term.until)
        instants = {"start": segment.window.start, "end": ends}
        for side, at in instants.items():
            open_ended = side == "end" and segment.window.end is None and contract.term.end is None
            if segment.window.start >= contract.term.until or open_ended:
                continue
            kind = f"{_word(commit)}.segment.{side}"
            yield Moment(
                id=derive("moment", segment.id, kind),
                type=kind,
                at=at,
                contract_id=contract.id,
                commit_id=commit.id,
                recurring_id=commit.recurring_id,
                segment_id=segment.id,
                segment_index=index,
                segment_count=len(commit.segments),
            )


def _word(commit: Commit) -> str:
    return "credit" if commit.kind is CommitKind.CREDIT else "commit"
