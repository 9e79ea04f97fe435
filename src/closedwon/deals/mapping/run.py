"""From a deal to the terms it asks for, or to everything that stands against it (D9)."""

from collections.abc import Iterable, Sequence

import msgspec

from closedwon.billing.contracts.edits import Added, Amend, Create
from closedwon.billing.contracts.source import Source
from closedwon.deals.mapping.answers import (
    Answers,
    Unmappable,
    finding_of,
    on_the_page,
    row_id,
)
from closedwon.deals.mapping.brought import Brought
from closedwon.deals.mapping.crosscheck import cross_checks, recurring_value
from closedwon.deals.mapping.deal_terms import DealTerms, Group
from closedwon.deals.mapping.facts import MappingFacts
from closedwon.deals.mapping.header import Header, HeaderReader
from closedwon.deals.mapping.model import Check, DealMapping, Rule
from closedwon.deals.mapping.outputs import DEAL
from closedwon.deals.mapping.record import names
from closedwon.deals.terms import all_terms, starts_at
from closedwon.deals.types import (
    Deal,
    DealKind,
    Finding,
    Record,
    Rejected,
    Severity,
    Terms,
)
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import id18

INSTALLMENT_FIX = "Give it the key of a commit line of this quote, or delete it."


def map_deal(mapping: DealMapping, deal: Deal, facts: MappingFacts) -> Terms | Rejected:
    """What ``deal`` asks of billing. Pure: the same arguments always give the same answer.

    Every child row ends as used, or ignored with a reason, or the deal is Rejected with a finding
    for each thing that stands against it.
    """
    try:
        opportunity_id = id18(deal.opportunity_id)
    except Refused as error:
        finding = Finding(code="bad_id", message=error.message, fix="Read the deal again.")
        return Rejected(opportunity_id=deal.opportunity_id, findings=(finding,))
    run = _Run(mapping, deal, facts)
    terms = run.terms(opportunity_id)
    parks = run.parks
    if terms is None or parks:
        return Rejected(
            opportunity_id=opportunity_id,
            findings=tuple(dict.fromkeys(on_the_page(one, mapping) for one in parks)),
            rules=tuple(sorted(run.fired)),
        )
    return terms


class _Run:
    """One mapping of one deal; collects findings instead of stopping at the first."""

    def __init__(self, mapping: DealMapping, deal: Deal, facts: MappingFacts) -> None:
        self._mapping = mapping
        self._facts = facts
        self._answers = Answers(mapping, deal, facts.as_of)
        self._findings: list[Finding] = list(self._answers.findings)
        self._ignored: dict[str, str] = {}
        self._used: set[str] = set()
        self._faced: set[str] = set()
        """Ids of rows a rule matched, or whose rule could not be told."""
        self.fired: set[str] = set()
        self._custom_fields: dict[str, str] = {}

    @property
    def parks(self) -> list[Finding]:
        """Findings that stop the deal."""
        return [finding for finding in self._findings if finding.severity is Severity.PARK]

    def terms(self, opportunity_id: str) -> Terms | None:
        """The terms; None when the header cannot be read."""
        self._check_ids()
        if not self.parks:
            self._check_deal()
        if self.parks:
            return None
        try:
            header = HeaderReader(self._mapping, self._answers, self._facts).header(opportunity_id)
        except Unmappable as error:
            self._findings.append(error.finding)
            return None
        ground = DealTerms(
            self._answers, self._facts, header, creates_products=self._mapping.creates_products
        )
        brought = Brought(ground)
        for group in self._groups():
            self._bring(group, brought)
        self._settle_rows(ground)
        self._findings += [*header.warnings, *ground.warnings, *brought.unlinked()]
        terms = self._assembled(header, brought)
        if not self.parks:  # Without the rows that were rejected the whole never adds up.
            found = list(cross_checks(self._mapping, self._answers, ground, terms))
            self._findings += found
            terms = msgspec.structs.replace(terms, findings=self._warnings())
        if not self.parks:
            terms = msgspec.structs.replace(terms, recurs=recurring_value(ground, terms))
        return terms

    def _warnings(self) -> tuple[Finding, ...]:
        warnings = [one for one in self._findings if one.severity is Severity.WARN]
        return tuple(dict.fromkeys(warnings))

    def _assembled(self, header: Header, brought: Brought) -> Terms:
        ground, added = brought.ground, brought.added()
        return Terms(
            opportunity_id=header.opportunity_id,
            kind=header.kind,
            customer=header.customer,
            contract_id=header.contract_id,
            contract=self._contract(header, added),
            currency=header.currency,
            source=Source(
                opportunity_id=header.opportunity_id,
                quote_id=header.quote_id,
                place=self._mapping.file,
            ),
            quantities=brought.changes(),
            findings=self._warnings(),
            ignored=dict(sorted(self._ignored.items())),
            used=tuple(sorted(self._used)),
            products=tuple(ground.products[key] for key in sorted(ground.products)),
            holds=tuple(self._holds()),
            rules=tuple(sorted(self.fired)),
        )

    def _contract(self, header: Header, added: Added) -> Create | Amend:
        if header.kind is DealKind.AMENDMENT:
            start = min(map(starts_at, all_terms(added)), default=header.term.start)
            return Amend(starting_at=start, terms=added, custom_fields=self._custom_fields)
        fields = {**header.custom_fields, **self._custom_fields}
        key = f"sfdc:{self._facts.org_id}:{header.opportunity_id}"
        create = header.create()
        return msgspec.structs.replace(
            create, terms=added, custom_fields=fields, uniqueness_key=key
        )

    def _check_ids(self) -> None:
        for rows in self._answers.rows.values():
            for row in rows:
                try:
                    row_id(row)
                except Unmappable as error:
                    self._findings.append(error.finding)

    def _check_deal(self) -> None:
        won = self._mapping.won
        deal = self._answers.deal
        if won is not None and not self._asked(won, deal):
            message = "the opportunity is not won"
            fix = "Nothing to do while it is open; close it as won to go on."
            self._findings.append(finding_of("not_won", message, fix, deal, won))
        for check in self._mapping.checks:
            rows = (deal,) if check.collection == DEAL else self._answers.rows[check.collection]
            for row in rows:
                self._check(check, row)

    def _check(self, check: Check, row: Record) -> bool:
        """Whether the row passes; a finding is noted when it does not."""
        if self._asked(check.must, row):
            return True
        message = f"{names(row)}: {check.message}"
        finding = finding_of(check.code, message, check.fix, row, check.must)
        self._findings.append(msgspec.structs.replace(finding, severity=check.severity))
        return check.severity is Severity.WARN

    def _asked(self, formula: object, row: Record, group: Sequence[Record] = ()) -> bool:
        try:
            return self._answers.ask(formula, row, group) is True  # type: ignore[arg-type]
        except Unmappable as error:
            self._findings.append(error.finding)
            return False

    def _groups(self) -> Iterable[Group]:
        """Rows with the rule that decides about them, grouped, in reading order."""
        grouped: dict[tuple[str, str], list[Record]] = {}
        for collection in (DEAL, *sorted(self._mapping.iterated)):
            rows = (self._answers.deal,) if collection == DEAL else self._answers.rows[collection]
            for row in rows:
                before = len(self._findings)
                rule = self._rule_for(collection, row)
                if rule is None:
                    self._faced |= {row_id(row)} if len(self._findings) > before else set()
                    continue
                self._faced.add(row_id(row))
                try:
                    key = self._answers.text(rule.group_by, row) or row_id(row)
                except Unmappable as error:
                    self._findings.append(error.finding)
                    continue
                grouped.setdefault((rule.id, key), []).append(row)
        by_id = {rule.id: rule for rule in self._mapping.rules}
        for (rule_id, key), rows_of in grouped.items():
            yield Group(rule=by_id[rule_id], key=key, rows=tuple(rows_of))

    def _rule_for(self, collection: str, row: Record) -> Rule | None:
        for rule in self._mapping.rules:
            if rule.collection != collection:
                continue
            before = len(self._findings)
            if rule.when is None or self._asked(rule.when, row):
                return rule
            if len(self._findings) > before:
                return None
        return None

    def _bring(self, group: Group, brought: Brought) -> None:
        rule, ground = group.rule, brought.ground
        self.fired.add(rule.id)
        if rule.reject is not None:
            reject = rule.reject
            stop = ground.stop(reject.code, reject.message, reject.fix, group)
            self._findings.append(stop.finding)
            return
        if rule.ignore is not None:
            self._ignored.update(dict.fromkeys(map(row_id, group.rows), rule.ignore))
            return
        passed = [self._check(check, row) for check in rule.checks for row in group.rows]
        if not all(passed):
            return
        try:
            self._build(group, brought)
        except Unmappable as error:
            self._findings.append(error.finding)
        except Refused as error:
            fix = "Correct the row, or the mapping rule."
            self._findings.append(ground.stop("refused", error.message, fix, group).finding)

    def _build(self, group: Group, brought: Brought) -> None:
        brought.bring(group)
        self._custom_fields.update(brought.ground.custom_fields(group.rule.custom_fields, group))
        if group.rule.collection != DEAL:
            self._used.update(map(row_id, group.rows))

    def _settle_rows(self, ground: DealTerms) -> None:
        """No row is left over: context rows are used, unmatched ones meet the last rule."""
        self._used |= ground.paid_rows
        installments = self._mapping.installment_collections
        iterated = self._mapping.iterated
        decided = self._faced | self._used
        whole = not self.parks
        for collection, rows in self._answers.rows.items():
            for row in rows:
                if collection not in iterated:
                    self._used.add(row_id(row))
                elif row_id(row) in decided:
                    continue
                elif collection not in installments:
                    self._unmatched(row)
                elif whole:
                    self._unpaid(row)

    def _unmatched(self, row: Record) -> None:
        last = self._mapping.otherwise
        if not last.rejects:
            self._ignored[row_id(row)] = last.message
            return
        finding = finding_of("no_rule", f"{names(row)}: {last.message}", last.fix, row)
        self._findings.append(msgspec.structs.replace(finding, place=str(last.spot)))

    def _unpaid(self, row: Record) -> None:
        message = f"{names(row)}: no commit of this deal has the key of this installment"
        finding = finding_of("installment_without_commit", message, INSTALLMENT_FIX, row)
        self._findings.append(msgspec.structs.replace(finding, place=self._mapping.file))

    def _holds(self) -> Iterable[Finding]:
        for gate in self._mapping.gates:
            if self._asked(gate.when, self._answers.deal):
                yield finding_of(gate.id, gate.message, gate.fix, self._answers.deal, gate.when)
