"""Commits and credits: what each granted, what became of it, what is left, by access window."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.balances.types import Balance
from closedwon.billing.catalog.types import CreditType
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.delivery.documents.dashboards.frame import Frame, Part, parts
from closedwon.delivery.documents.figures import period_text, unit_text, worth_text
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval

KINDS = {
    CommitKind.PREPAID: "Prepaid commit",
    CommitKind.POSTPAID: "Postpaid commit",
    CommitKind.CREDIT: "Credit",
}
ALWAYS = ("granted", "used", "expired", "remaining")
COLUMNS = ("granted", "adjusted", "used", "rolled", "trued_up", "expired", "remaining")
"""In this order; granted + adjusted is the sum of everything after it. Those that are not of
ALWAYS are shown where there is any."""
HEADS = {"rolled": "Rolled over", "trued_up": "Trued up"}
GONE = ("expired", "rolled", "trued_up")


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One access window, or all of them."""

    period: str
    state: str
    amounts: tuple[str, ...]
    """Of the columns."""
    bar: tuple[Part, ...] = ()


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One commit or credit."""

    name: str
    kind: str
    note: str
    """What keeps it from being drawn; mostly empty."""
    unit: str
    left: str
    """In the windows that are open now (R195)."""
    heads: tuple[str, ...]
    windows: tuple[Window, ...]
    total: Window | None
    """Where there is more than one window."""
    bar: tuple[Part, ...]


def balances_page(
    frame: Frame,
    commits: Sequence[Commit],
    balances: Iterable[Balance],
    *,
    hides_names: bool = False,
) -> str:
    """The page, commits before credits; amounts keep all their decimals, so every row adds up."""
    by_commit: dict[str, list[Balance]] = {}
    for one in balances:
        by_commit.setdefault(one.commit_id, []).append(one)
    found = [(one, by_commit[one.id]) for one in sorted(commits, key=_place) if one.id in by_commit]
    left: dict[str, Decimal] = {}
    for commit, standing in found:
        unit = commit.access_credit_type_id
        left[unit] = left.get(unit, ZERO) + available(standing)
    kinds = sorted(map(frame.unit, left), key=lambda kind: (kind.currency is None, kind.name))
    return frame.page(
        "balances",
        left=[f"{unit_text(kind)} {worth_text(left[kind.id], kind)}" for kind in kinds],
        cards=[
            _card(frame, commit, standing, hides_names=hides_names) for commit, standing in found
        ],
    )


def _place(commit: Commit) -> tuple[int, datetime, str, str]:
    first = min(segment.window.start for segment in commit.segments)
    return (list(KINDS).index(commit.kind), first, commit.name, commit.id)


def available(balances: Iterable[Balance]) -> Decimal:
    """What can be drawn now; a window that went negative counts as zero (R195)."""
    return sum((max(one.remaining, ZERO) for one in balances if one.is_active), ZERO)


def _card(frame: Frame, commit: Commit, balances: Sequence[Balance], *, hides_names: bool) -> Card:
    kind = frame.unit(commit.access_credit_type_id)
    windows = {segment.id: segment.window for segment in commit.segments}
    standing = sorted(balances, key=lambda one: windows[one.segment_id].start)
    columns = tuple(
        name for name in COLUMNS if name in ALWAYS or any(getattr(one, name) for one in standing)
    )
    product = frame.catalog.products[commit.product_id].name
    called = KINDS[commit.kind]
    return Card(
        name=called if hides_names else commit.name or product,
        kind="" if hides_names else called,
        note="" if commit.is_released else "Awaiting payment",
        unit=unit_text(kind),
        left=worth_text(available(standing), kind),
        heads=tuple(HEADS.get(name, name.capitalize()) for name in columns),
        windows=tuple(_window(frame.now, windows, one, columns, kind) for one in standing),
        total=_total(standing, columns, kind) if len(standing) > 1 else None,
        bar=_bar(standing),
    )


def _window(
    now: datetime,
    windows: dict[str, Interval],
    one: Balance,
    columns: Sequence[str],
    kind: CreditType,
) -> Window:
    window = windows[one.segment_id]
    state = "open" if one.is_active else "not begun" if now < window.start else "ended"
    return Window(
        period=period_text(window.start, window.end),
        state=state,
        amounts=tuple(_amounts([one], columns, kind)),
        bar=_bar([one]),
    )


def _total(standing: Sequence[Balance], columns: Sequence[str], kind: CreditType) -> Window:
    return Window(period="Total", state="", amounts=tuple(_amounts(standing, columns, kind)))


def _amounts(
    balances: Sequence[Balance], columns: Sequence[str], kind: CreditType
) -> Iterator[str]:
    for name in columns:
        yield worth_text(sum((getattr(one, name) for one in balances), ZERO), kind)


def _bar(balances: Sequence[Balance]) -> tuple[Part, ...]:
    """What burned down from the left: used, then gone, then what is left."""
    used = sum((one.used for one in balances), ZERO)
    gone = sum((getattr(one, name) for one in balances for name in GONE), ZERO)
    left = sum((max(one.remaining, ZERO) for one in balances), ZERO)
    return parts([("used", used), ("gone", gone), ("left", left)], used + gone + left)
