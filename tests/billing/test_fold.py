"""Edits folded into contracts (D1, R111-R120)."""

import pytest

from billing.world import at, charge, commit, contract, multiplier, span
from closedwon.billing.contracts.edits import (
    Added,
    Amend,
    Archive,
    ChangeEnd,
    Create,
    FilterUsage,
    Follow,
    Revise,
)
from closedwon.billing.contracts.terms import Transition, TransitionType, UsageFilter
from closedwon.kernel.errors import InvariantBroken, Refused

COMMIT = commit("c", ("10", "2025-01-01", "2026-01-01"), payments={"2025-01-01": "10"})
SIGNED = Create(
    customer_id="customer",
    term=span("2025-01-01", "2026-01-01"),
    terms=Added(
        commits=(COMMIT,), charges=(charge("fee", {"2025-03-01": "5", "2025-09-01": "5"}),)
    ),
    custom_fields={"owner": "a"},
)


def filtered(*values: str, start: str) -> FilterUsage:
    return FilterUsage(
        usage_filter=UsageFilter(group_key="region", group_values=values, starting_at=at(start))
    )


def test_a_removed_term_can_come_back() -> None:
    back = contract("k", SIGNED, Revise(remove_ids=("c",)), Revise(add=Added(commits=(COMMIT,))))

    assert back.commits == (COMMIT,)
    assert back.edit_of["c"] == "k-e2"


def test_a_term_that_is_there_is_not_added_again_r7() -> None:
    with pytest.raises(Refused, match="already"):
        contract("k", SIGNED, Amend(starting_at=at("2025-01-01"), terms=Added(commits=(COMMIT,))))


@pytest.mark.parametrize(
    "change", [Revise(remove_ids=("x",)), Revise(archive_ids=("x",))], ids=["remove", "archive"]
)
def test_what_is_not_there_cannot_be_changed(change: Revise) -> None:
    with pytest.raises(Refused, match="no such term"):
        contract("k", SIGNED, change)


def test_an_edit_replaces_in_place_and_keeps_the_order() -> None:
    first = multiplier("a", "0.9", "2025-01-01")
    second = multiplier("b", "0.8", "2025-01-01")
    cheaper = type(first)(id=first.id, window=first.window, entitled=False)
    edited = contract(
        "k",
        SIGNED,
        Amend(
            starting_at=at("2025-01-01"),
            terms=Added(overrides=(first, second)),
            custom_fields={"owner": "b"},
        ),
        Revise(replace=Added(overrides=(cheaper,)), name="Renamed", custom_fields={"team": "x"}),
    )

    assert edited.overrides == (cheaper, second)
    assert (edited.name, edited.custom_fields) == ("Renamed", {"owner": "b", "team": "x"})
    assert (edited.edit_of[first.id], edited.edit_of[second.id]) == ("k-e2", "k-e1")


def test_r117_an_earlier_end_drops_what_was_scheduled_later_r118_a_later_one_moves_only_itself() -> (
    None
):
    shorter = contract("k", SIGNED, ChangeEnd(ending_before=at("2025-06-01")))
    longer = contract("k", SIGNED, ChangeEnd(ending_before=None))

    assert [item.timestamp for item in shorter.charges[0].items] == [at("2025-03-01")]
    assert longer.term.end is None
    assert longer.charges == SIGNED.terms.charges


def test_r120_a_renewal_ends_the_old_contract_unless_it_ended_before() -> None:
    transition = Transition(type=TransitionType.RENEWAL, from_contract_id="k")
    early = Follow(transition=transition, to_contract_id="n", at=at("2025-06-01"))
    late = Follow(transition=transition, to_contract_id="n", at=at("2026-06-01"))

    assert contract("k", SIGNED, early).term.end == at("2025-06-01")
    assert contract("k", SIGNED, late).term.end == at("2026-01-01")
    with pytest.raises(Refused, match="already"):
        contract("k", SIGNED, early, early)


def test_r122_a_superseding_contract_cancels_true_ups() -> None:
    transition = Transition(type=TransitionType.SUPERSEDE, from_contract_id="k")
    follow = Follow(transition=transition, to_contract_id="n", at=at("2025-06-01"))

    assert contract("k", SIGNED, follow).removes_trueup


def test_r106_filters_are_kept_by_start_and_a_same_start_replaces() -> None:
    edited = contract(
        "k",
        SIGNED,
        filtered("US", start="2025-03-01"),
        filtered("EU", start="2025-01-01"),
        filtered("US", "EU", start="2025-03-01"),
    )

    assert [f.group_values for f in edited.usage_filters] == [("EU",), ("US", "EU")]


def test_archiving_marks_terms_and_contracts_r123_r160() -> None:
    archived = contract("k", SIGNED, Revise(archive_ids=("c", "fee")))
    gone = contract("k", SIGNED, Archive(void_invoices=True))

    assert (archived.commits[0].archived_at, archived.charges[0].archived_at) != (None, None)
    assert (gone.archived_at is not None, gone.voids_invoices) == (True, True)


def test_a_contract_begins_with_one_creation() -> None:
    with pytest.raises(InvariantBroken):
        contract("k", ChangeEnd(ending_before=None))
    with pytest.raises(InvariantBroken):
        contract("k", SIGNED, SIGNED)
