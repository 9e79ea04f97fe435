"""What the engine answers, in the shape both sides are compared in."""

from datetime import datetime
from fractions import Fraction

from closedwon.billing.account import Account, Bill
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.invoices.types import Invoice, InvoiceType, Line, LineType
from oracle.biller import outcome
from oracle.biller.outcome import Held, Key, Outcome

TINY = Fraction(1, 10**24)
"""The engine computes quotients to 40 digits, the biller exactly; nothing else may differ."""


def outcome_of(account: Account, bill: Bill, now: datetime) -> Outcome:
    names = {commit.id: _name(commit, bill, account) for commit in bill.commits}
    segments = {
        segment.id: segment.id if names[commit.id] == commit.id else names[commit.id]
        for commit in bill.commits
        for segment in commit.segments
    }
    bills: dict[Key, outcome.Bill] = {}
    for invoice in sorted(account.finalized, key=lambda found: found.finalized_at or now):
        _put(bills, _bill(invoice, names, segments))
    for invoice in bill.invoices:
        _put(bills, _bill(invoice, names, segments))
    held = {}
    for balance in bill.balances:
        held[segments[balance.segment_id]] = Held(
            granted=Fraction(balance.granted),
            adjusted=Fraction(balance.adjusted),
            drawn=Fraction(balance.used),
            expired=Fraction(balance.expired),
            rolled=Fraction(balance.rolled),
            trued_up=Fraction(balance.trued_up),
        )
        assert (
            abs(held[segments[balance.segment_id]].remaining - Fraction(balance.remaining)) < TINY
        )
    return Outcome(bills=bills, held=held)


def differences(engine: Outcome, oracle: Outcome) -> list[str]:
    """Everything the two do not agree on, in words."""
    found = [f"only the engine has {key}" for key in engine.bills.keys() - oracle.bills.keys()]
    found += [f"only the oracle has {key}" for key in oracle.bills.keys() - engine.bills.keys()]
    for key in sorted(engine.bills.keys() & oracle.bills.keys(), key=str):
        found += _of_bill(engine.bills[key], oracle.bills[key])
    names = engine.held.keys() | oracle.held.keys()
    for name in sorted(names):
        ours, theirs = engine.held.get(name), oracle.held.get(name)
        if ours is None or theirs is None:
            found.append(f"balance {name}: engine {ours}, oracle {theirs}")
            continue
        for field in ("granted", "adjusted", "drawn", "expired", "rolled", "trued_up"):
            one, two = getattr(ours, field), getattr(theirs, field)
            if abs(one - two) > TINY:
                found.append(f"balance {name} {field}: engine {_show(one)}, oracle {_show(two)}")
    return found


def _of_bill(engine: outcome.Bill, oracle: outcome.Bill) -> list[str]:
    found = []
    where = f"{engine.key[0]} of {engine.key[1]} {engine.key[2]}"
    if abs(engine.total - oracle.total) > TINY:
        found.append(f"{where}: engine {_show(engine.total)}, oracle {_show(oracle.total)}")
    if engine.issued != oracle.issued:
        found.append(f"{where} issued: engine {engine.issued}, oracle {oracle.issued}")
    for name in sorted(engine.lines.keys() | oracle.lines.keys(), key=str):
        one, two = engine.lines.get(name, Fraction(0)), oracle.lines.get(name, Fraction(0))
        if abs(one - two) > TINY:
            found.append(f"{where} line {name}: engine {_show(one)}, oracle {_show(two)}")
    for name in sorted(engine.drawn.keys() | oracle.drawn.keys()):
        one, two = engine.drawn.get(name, Fraction(0)), oracle.drawn.get(name, Fraction(0))
        if abs(one - two) > TINY:
            found.append(f"{where} draws {name}: engine {_show(one)}, oracle {_show(two)}")
    return found


def _show(number: Fraction) -> str:
    return f"{float(number):.8g}"


def _name(commit: Commit, bill: Bill, account: Account) -> str:
    """What has a derived id is called after what it comes from: generator, origin, new contract."""
    if commit.rolled_over_from is not None:
        origin = commit.rolled_over_from
        own = next(found for found in bill.commits if found.id == origin.commit_id)
        old = next(found for found in account.contracts if found.id == origin.contract_id)
        return f"{_name(own, bill, account)}>{old.followed_by}"
    if commit.recurring_id is not None:
        return f"{commit.recurring_id}/{commit.created_at.isoformat()}"
    return commit.id


def _put(bills: dict[Key, outcome.Bill], found: outcome.Bill) -> None:
    """Sisters of one moment are numbered in the order they became final."""
    key = found.key
    while key in bills:
        key = (*key[:3], key[3] + 1)
    found.key = key
    bills[key] = found


def _bill(invoice: Invoice, names: dict[str, str], segments: dict[str, str]) -> outcome.Bill:
    found = outcome.Bill(
        key=_key(invoice, names), issued=invoice.issued_at, total=Fraction(invoice.total)
    )
    for line in invoice.lines:
        if line.type is LineType.APPLIED:
            assert line.segment_id is not None
            segment = segments[line.segment_id]
            drawn = found.drawn.get(segment, Fraction(0))
            found.drawn[segment] = drawn - Fraction(line.total)
        else:
            found.add(*_place(line, names), Fraction(line.total))
    return found


def _place(line: Line, names: dict[str, str]) -> tuple[str, str | None]:
    if line.type is LineType.COMMIT_PURCHASE:
        return names[line.commit_id or ""], None
    if line.type is LineType.SCHEDULED:
        return line.charge_id or "", None
    payer = None if line.commit_id is None else names[line.commit_id]
    return line.product_id or "", payer


def _key(invoice: Invoice, names: dict[str, str]) -> Key:
    if invoice.type is InvoiceType.USAGE:
        assert invoice.start is not None
        return ("usage", invoice.contract_id, invoice.start, 0)
    for line in invoice.lines:
        if line.commit_kind is CommitKind.POSTPAID:
            return ("trueup", invoice.contract_id, names[line.commit_id or ""], 0)
    return ("scheduled", invoice.contract_id, invoice.issued_at, 0)
