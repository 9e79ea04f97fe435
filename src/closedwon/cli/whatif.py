"""``whatif``: what an open quote or a contract file would cost, against today's terms."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from closedwon.cli.output import cell, output_options, show
from closedwon.cli.session import Session, pass_session

if TYPE_CHECKING:
    from decimal import Decimal

    from closedwon.engine.whatif import Comparison, Question


@click.command()
@click.option("--opportunity", metavar="ID", help="An opportunity, open or won, and its quote.")
@click.option(
    "--contract-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Terms as YAML (docs/whatif.md).",
)
@click.option("--customer", metavar="ID", help="Whose usage counts; else the deal's or file's.")
@click.option("--usage-months", default=3, show_default=True, help="Full months that repeat.")
@click.option("--months", default=12, show_default=True, help="Months to look ahead.")
@output_options
@pass_session
def whatif(
    session: Session,
    /,
    opportunity: str | None,
    contract_file: Path | None,
    customer: str | None,
    format_: str,
    output: Path | None,
    **looking: int,
) -> None:
    """Price terms against real usage: drawdown by month, overage, run-out, effective discount.

    Reads Salesforce for a quote; nothing is changed anywhere.
    """
    from msgspec.structs import replace

    if (opportunity is None) == (contract_file is None):
        raise click.UsageError("give --opportunity or --contract-file")
    asked = (
        _of_file(session, contract_file, customer)
        if contract_file is not None
        else _of_deal(session, opportunity or "", customer)
    )
    found = session.app.engine.whatif(replace(asked, **looking), session.now)
    show(_rows(session, found), format_, output)
    _summary(session, found)


def _of_file(session: Session, path: Path, customer: str | None) -> "Question":
    from closedwon.engine.whatif import Question
    from closedwon.wiring.contract_file import contract_of_file, read_contract

    entry = read_contract(path)
    customer_id = customer or entry.customer
    if not customer_id:
        raise click.UsageError("say whose usage counts: --customer, or customer in the file")
    change = contract_of_file(entry, customer_id, session.now)
    return Question(customer_id=customer_id, contract_id=f"file:{path.name}", change=change)


def _of_deal(session: Session, opportunity: str, customer: str | None) -> "Question":
    from closedwon.deals.types import Rejected
    from closedwon.engine.whatif import Question
    from closedwon.kernel.errors import Refused

    with session.rehearsal() as app:
        terms = app.tried(opportunity, session.now)
    if isinstance(terms, Rejected):
        told = "; ".join(one.message for one in terms.findings)
        raise Refused(f"the mapping makes no terms of this deal: {told}", opportunity=opportunity)
    customer_id = customer
    if customer_id is None:
        known = session.app.engine.customer_of_account(terms.customer.account_id)
        if known is None:
            raise Refused(
                "nobody in billing has this deal's account yet; say whose usage counts with"
                " --customer",
                account=terms.customer.account_id,
            )
        customer_id = known.id
    return Question(customer_id=customer_id, contract_id=terms.contract_id, change=terms.contract)


COLUMNS = ("list_value", "price", "drawn", "overage", "scheduled", "left")


def _rows(session: Session, found: "Comparison") -> list[dict[str, Any]]:
    rows = []
    for month, today in zip(found.proposed.months, found.today.months, strict=True):
        row: dict[str, Any] = {"month": f"{month.starting_at:%Y-%m}"}
        row |= {name: _amount(session, found, getattr(month, name)) for name in COLUMNS}
        row["today_price"] = _amount(session, found, today.price)
        row["today_invoiced"] = _amount(session, found, today.overage + today.scheduled)
        rows.append(row)
    return rows


def _summary(session: Session, found: "Comparison") -> None:
    """On stderr, so that the rows can be piped."""
    unit = session.app.engine.catalog().credit_types[found.credit_type_id].currency
    for name, side in (("proposed", found.proposed), ("today", found.today)):
        paid = _amount(session, found, side.invoiced)
        discount, all_in = _percent(side.effective_discount), _percent(side.paid_discount)
        due = f"{cell(paid):>14} {unit} to pay in these months"
        told = f"{name:<9} {due}  rates {discount}  all in {all_in}"
        if side.runs_out_at is not None:
            told += f"  runs out {side.runs_out_at:%Y-%m-%d %H:%M}"
        click.echo(told, err=True)


def _amount(session: Session, found: "Comparison", wire: "Decimal") -> "Decimal":
    from closedwon.kernel.exact import Money

    currency = session.app.engine.catalog().credit_types[found.credit_type_id].currency or ""
    return Money.rounded(wire, currency).amount


def _percent(fraction: "Decimal | None") -> str:
    return "-" if fraction is None else f"{fraction * 100:.2f}% off list"
