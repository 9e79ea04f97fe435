"""S2 over the wire, whoever signs its contract: a year is lived, every figure is checked."""

from decimal import Decimal

from api.infrax import nine_places
from api.played import Story, dollars, lines_of
from billing.world import at
from golden import s2

OCTOBER = [
    ("Compute", "1840.789473684", "699.50", "commit"),
    ("Compute", "99.210526315", "37.70", None),
    ("Egress", "3375", "256.50", None),
    ("Support", "6", "90.00", None),
]
"""The month the commit runs out: name, quantity to nine places, dollars, what pays."""


def live_widgets(story: Story, customer: str, alias: str) -> dict[str, Decimal]:
    """The published usage, and a month more; what the commit has left at the end of each month."""
    left = {}
    retrieve = story.sdk.v1.customers.commits.list
    for month in s2.MONTHS:
        story.used(f"{month.period}-10", alias, compute_h=f"{month.compute_h}")
        story.used(f"{month.period}-11", alias, egress_gb=f"{month.egress_gb}")
        story.used(f"{month.period}-12", alias, support_n=f"{month.support_n}")
        story.until(at(f"{month.period}-28"))
        (commit,) = retrieve(
            customer_id=customer, include_contract_commits=True, include_balance=True
        )
        left[month.period] = dollars(commit.balance)
    story.used("2025-11-10", alias, compute_h="100")
    story.until(at("2025-12-03"))
    return left


def check_widgets(story: Story, customer: str, left: dict[str, Decimal]) -> None:
    """All that metronome.md publishes of S2."""
    *used, after = story.invoices(customer, type="USAGE", status="FINALIZED")
    for invoice, month in zip(used, s2.MONTHS, strict=True):
        billed = lines_of(invoice, "usage")
        covered = [line for line in invoice.line_items if line.type == "usage" and line.commit_id]
        assert invoice.start_timestamp == at(f"{month.period}-01")
        assert billed["Compute"] == month.compute
        assert billed["Egress"] == month.egress
        assert billed["Support"] == month.support
        assert sum(lines_of(invoice, "applied_commit_or_credit").values()) == -month.applied
        assert sum(dollars(line.total) for line in covered) == month.applied
        assert {line.name for line in covered} <= {"Compute", "Egress"}
        assert month.compute + month.egress - month.applied == month.overage
        assert dollars(invoice.total) == month.total
        assert left[month.period] == month.left
    lines = [
        (
            line.name,
            nine_places(line.quantity),
            f"{dollars(line.total):.2f}",
            "commit" if line.commit_id else None,
        )
        for line in used[-1].line_items
        if line.type == "usage"
    ]
    assert sorted(lines, key=str) == sorted(OCTOBER, key=str)
    cloud = [lines_of(one, "usage") for one in used]
    assert sum(one["Compute"] + one["Egress"] for one in cloud) == Decimal("10294.20")
    assert lines_of(after, "usage") == {"Compute": 38, "Egress": 0, "Support": 0}
    assert lines_of(after, "applied_commit_or_credit") == {}
    assert dollars(after.total) == 38
    check_paid(story, customer)


def check_paid(story: Story, customer: str) -> None:
    """What is billed ahead, and that nothing expired."""
    paid = story.invoices(customer, type="SCHEDULED", status="FINALIZED")
    assert {f"{one.issued_at:%Y-%m-%d}": dollars(one.total) for one in paid} == s2.SCHEDULED
    kinds = {line.type: dollars(line.total) for line in paid[0].line_items}
    assert kinds == {"commit_purchase": Decimal(10000), "scheduled": Decimal(1000)}
    (commit,) = story.sdk.v1.customers.commits.list(
        customer_id=customer, include_contract_commits=True, include_ledgers=True
    )
    kinds_of_entries = [one.type.removeprefix("PREPAID_COMMIT_") for one in commit.ledger]
    assert kinds_of_entries == ["SEGMENT_START", *["AUTOMATED_INVOICE_DEDUCTION"] * 12]
