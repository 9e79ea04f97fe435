"""A new contract, and terms that are added, as the wire has them (metronome.md 2.7)."""

from collections.abc import Iterator
from typing import Any

from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import (
    CommitKind,
    StatementDay,
    StatementSchedule,
    Transition,
    UsageFilter,
)
from closedwon.kernel.instant import wire_instant
from closedwon.targets.metronome.meaning import Meaning, lean, unsayable
from closedwon.targets.metronome.rates import override_body
from closedwon.targets.metronome.settings import settings_body
from closedwon.targets.metronome.subscriptions import subscription_body
from closedwon.targets.metronome.terms import charge_body, commit_body, recurring_body

LISTS = (
    "commits",
    "credits",
    "recurring_commits",
    "recurring_credits",
    "overrides",
    "scheduled_charges",
    "discounts",
    "subscriptions",
)
"""Lists of terms, as a contract names them; an edit puts ``add_`` in front."""


def uniqueness_key(contract_id: str, create: Create) -> str:
    """What keeps the contract from being made twice, for ever (R97)."""
    return create.uniqueness_key or f"closedwon:{contract_id}"


def contract_body(meant: Meaning, contract_id: str, create: Create) -> dict[str, Any]:
    """POST /v1/contracts/create, without the customer; ``meant`` knows the terms as fresh."""
    if create.package_id is not None:
        raise unsayable("a package of ours", "sell its terms, or order it on the target")
    end = create.term.end
    return {
        "starting_at": wire_instant(create.term.start),
        "uniqueness_key": uniqueness_key(contract_id, create),
        **lean(
            ending_before=None if end is None else wire_instant(end),
            name=create.name,
            rate_card_id=_card(meant, create),
            net_payment_terms_days=create.net_payment_terms_days,
            usage_filter=_filter_body(create.usage_filter),
            transition=_transition_body(meant, create.transition),
            custom_fields=dict(create.custom_fields),
            scheduled_charges_on_usage_invoices="ALL" if create.charges_on_usage_invoices else None,
        ),
        "usage_statement_schedule": _statement_body(create.statement),
        "multiplier_override_prioritization": create.prioritization.value,
        **settings_body(meant, create.settings),
        **{name: rows for name, rows in added_bodies(meant, create.terms).items() if rows},
    }


def added_bodies(meant: Meaning, added: Added) -> dict[str, list[dict[str, Any]]]:
    """Every list of ``LISTS``, each in the order of ``added_ids``."""
    if added.services or added.royalties:
        raise unsayable("services and royalties", "write them by hand on the target")
    referred = frozenset(_referred(added))
    bodies: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
    for commit in added.commits:
        name = "credits" if commit.kind is CommitKind.CREDIT else "commits"
        bodies[name].append(commit_body(meant, commit, referred))
    for term in added.recurring:
        name = "recurring_credits" if term.kind is CommitKind.CREDIT else "recurring_commits"
        bodies[name].append(recurring_body(meant, term, referred))
    bodies["overrides"] = [override_body(meant, one) for one in added.overrides]
    bodies["scheduled_charges"] = [charge_body(meant, one) for one in added.charges]
    bodies["discounts"] = [charge_body(meant, one) for one in added.discounts]
    bodies["subscriptions"] = [
        subscription_body(meant, one, referred) for one in added.subscriptions
    ]
    return bodies


def added_ids(added: Added) -> dict[str, list[str]]:
    """Our ids of the terms in every list of ``LISTS``."""
    credit = CommitKind.CREDIT
    return {
        "commits": [one.id for one in added.commits if one.kind is not credit],
        "credits": [one.id for one in added.commits if one.kind is credit],
        "recurring_commits": [one.id for one in added.recurring if one.kind is not credit],
        "recurring_credits": [one.id for one in added.recurring if one.kind is credit],
        "overrides": [one.id for one in added.overrides],
        "scheduled_charges": [one.id for one in added.charges],
        "discounts": [one.id for one in added.discounts],
        "subscriptions": [one.id for one in added.subscriptions],
    }


def _referred(added: Added) -> Iterator[str]:
    """Ids that terms of the bundle name."""
    for override in added.overrides:
        for specifier in override.applicability.specifiers:
            yield from specifier.balance_ids
    for term in added.recurring:
        if term.seats is not None:
            yield term.seats.subscription_id


def _card(meant: Meaning, create: Create) -> str | None:
    return None if create.rate_card_id is None else meant.there("rate_card", create.rate_card_id)


def _filter_body(found: UsageFilter | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "group_key": found.group_key,
        "group_values": list(found.group_values),
        "starting_at": wire_instant(found.starting_at),
    }


def _transition_body(meant: Meaning, found: Transition | None) -> dict[str, Any] | None:
    if found is None:
        return None
    trueup = {"trueup": "REMOVE" if found.removes_trueup else "AS_IS"}
    return {
        "type": found.type.value,
        "from_contract_id": meant.there("contract", found.from_contract_id),
        "future_invoice_behavior": trueup,
    }


def _statement_body(found: StatementSchedule) -> dict[str, Any]:
    anchor, first = found.billing_anchor_date, found.invoice_generation_starting_at
    return {
        "frequency": found.frequency.value,
        "day": StatementDay(found.day).value,
        **lean(
            billing_anchor_date=None if anchor is None else wire_instant(anchor),
            invoice_generation_starting_at=None if first is None else wire_instant(first),
        ),
    }
