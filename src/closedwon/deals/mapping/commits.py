"""Commits and credits: a segment per row, payments from installments (salesforce.md 9.3)."""

from itertools import pairwise

from closedwon.billing.contracts.terms import AccessSegment, Commit, CommitKind, ScheduleItem
from closedwon.deals.mapping.answers import row_id
from closedwon.deals.mapping.deal_terms import DealTerms, Group
from closedwon.deals.mapping.outputs import CommitOutput, Payments, SinglePayment
from closedwon.deals.mapping.record import names
from closedwon.deals.types import Record
from closedwon.kernel.exact import canonical, major
from closedwon.kernel.instant import Interval, end_of, midnight


class Commits:
    """Builds commits and credits of one deal."""

    def __init__(self, terms: DealTerms) -> None:
        self._terms = terms

    def commit(self, output: CommitOutput, group: Group) -> Commit:
        """The commit a group of rows forms; raises Unmappable when it cannot be one."""
        terms = self._terms
        kind = self._kind(output, group)
        key = terms.text(output.product.key, group) or group.key
        segments = self._segments(output, group, key)
        payments = () if output.payments is None else self._payments(output.payments, group, key)
        if kind is CommitKind.POSTPAID:
            self._check_postpaid(segments, payments, group)
        commit = Commit(
            id=terms.id("credit" if output.is_credit else "commit", key),
            kind=kind,
            product_id=terms.product(output.product, group),
            name=terms.title(output.product.name, group) or key,
            segments=segments,
            payments=payments,
            priority=terms.priority(output.applies, group),
            rollover_fraction=terms.share(output.rollover_fraction, group),
            applicability=terms.applicability(output.applies, group),
            access_credit_type_id=terms.header.credit_type_id,
            payment_credit_type_id=terms.header.credit_type_id,
            created_at=segments[0].window.start,
            custom_fields=terms.custom_fields(output.custom_fields, group),
            source=terms.source(group),
        )
        self._check_sum(commit, output, group)
        return commit

    def _kind(self, output: CommitOutput, group: Group) -> CommitKind:
        if output.is_credit:
            return CommitKind.CREDIT
        word = (self._terms.text(output.kind, group) or "PREPAID").upper()
        if word not in (CommitKind.PREPAID, CommitKind.POSTPAID):
            message = f"commit kind {word!r}, expected PREPAID or POSTPAID"
            fix = "Correct the commit type on the row."
            raise self._terms.stop("commit_kind", message, fix, group, output.kind)
        return CommitKind(word)

    def _segments(self, output: CommitOutput, group: Group, key: str) -> tuple[AccessSegment, ...]:
        terms, access = self._terms, output.access
        found: list[tuple[Interval, AccessSegment, Record]] = []
        for row in group.rows:
            first = terms.day(access.start, row, group, "the access start")
            last = terms.day(access.end, row, group, "the access end")
            if last < first:
                message = f"access of {names(row)} ends on {last}, before it starts on {first}"
                fix = "Correct the dates of the row."
                raise terms.stop("ends_before_start", message, fix, group, access.end)
            window = Interval(midnight(first), end_of(last))
            amount = terms.money(access.amount, row, group, "the access amount")
            segment_id = terms.id("segment", key, first.isoformat(), last.isoformat())
            segment = AccessSegment(id=segment_id, amount=amount, window=window)
            found.append((window, segment, row))
        found.sort(key=lambda one: (one[0].start, one[0].until))
        for (before, _, row), (after, _, next_row) in pairwise(found):
            told = f"{names(row)} until {before.until:%Y-%m-%d}, {names(next_row)} from"
            if after.start < before.until:
                message = f"access segments overlap: {told} {after.start:%Y-%m-%d}"
                fix = "Correct the dates, or give the rows different commit keys."
                raise terms.stop("segments_overlap", message, fix, group, access.start)
            if after.start > before.until and not access.allows_gaps:
                message = f"access segments leave a gap: {told} {after.start:%Y-%m-%d}"
                fix = "Close the gap, or give the rows different commit keys."
                raise terms.stop("segments_gap", message, fix, group, access.start)
        return tuple(segment for _, segment, _ in found)

    def _payments(self, payments: Payments, group: Group, key: str) -> tuple[ScheduleItem, ...]:
        terms = self._terms
        items: list[ScheduleItem] = []
        if payments.installments is not None:
            how = payments.installments
            for row in terms.rows_by_key(how.collection, how.match).get(key, ()):
                amount = terms.money(how.amount, row, group, f"the amount of {names(row)}")
                on = terms.day(how.on, row, group, f"the date of {names(row)}")
                terms.paid_rows.add(row_id(row))
                items.append(
                    ScheduleItem(
                        id=terms.id("payment", key, row_id(row)),
                        timestamp=midnight(on),
                        amount=amount,
                        unit_price=amount,
                    )
                )
        if not items and payments.otherwise is not None:
            items.append(self._single(payments.otherwise, group, key))
        return tuple(sorted(items, key=lambda item: (item.timestamp, item.id)))

    def _single(self, single: SinglePayment, group: Group, key: str) -> ScheduleItem:
        terms = self._terms
        amount = terms.money(single.amount, group.first, group, "the payment")
        on = terms.day(single.on, group.first, group, "the payment date")
        return ScheduleItem(
            id=terms.id("payment", key, "single"),
            timestamp=midnight(on),
            amount=amount,
            unit_price=amount,
        )

    def _check_sum(self, commit: Commit, output: CommitOutput, group: Group) -> None:
        """Payments add up to the access granted, unless the mapping says otherwise (F126)."""
        terms = self._terms
        if output.payments is None or output.payments.difference == "allow":
            return
        if not commit.payments or commit.access_total == commit.cost_total:
            return
        currency = terms.header.currency
        access, paid = (
            canonical(major(amount, currency))
            for amount in (commit.access_total, commit.cost_total)
        )
        gap = canonical(major(commit.cost_total - commit.access_total, currency))
        message = f"payments of {paid} {currency} against access of {access}: {gap} apart"
        if output.payments.difference == "warn":
            terms.warn("schedule_sum", message, group)
            return
        fix = "Correct the installments or the lines so that both add up to the same."
        raise terms.stop("schedule_sum", message, fix, group)

    def _check_postpaid(
        self,
        segments: tuple[AccessSegment, ...],
        payments: tuple[ScheduleItem, ...],
        group: Group,
    ) -> None:
        """One segment, one equal payment, not before the segment ends (R206)."""
        single = len(segments) == 1 and len(payments) == 1
        if (
            not single
            or payments[0].timestamp < segments[0].window.until
            or payments[0].amount != segments[0].amount
        ):
            message = "a postpaid commit has one access segment and one equal payment at its end"
            fix = "Make it one line with one installment dated after its end, or make it prepaid."
            raise self._terms.stop("postpaid_shape", message, fix, group)
