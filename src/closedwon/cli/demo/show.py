"""How the demo talks: headings, facts, tables; every number comes from the application."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import click

from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    CreateProduct,
    EditContract,
    Plan,
    PlanStep,
)
from closedwon.kernel.exact import Money, major
from closedwon.step import StepReport


def heading(day: date, text: str) -> None:
    """A new act of the story."""
    click.echo()
    click.secho(f"{day}  {text}", bold=True)


def say(text: str) -> None:
    """One fact."""
    click.echo(f"            {text}")


def usd(wire: Decimal) -> str:
    """A wire amount in dollars, rounded as it would be paid."""
    return f"${Money.rounded(wire, 'USD').amount:,.2f}"


def line(reports: Iterable[StepReport]) -> None:
    """What the steps of the line did, those that did something."""
    told = [
        f"{report.step} {report.done}" + (f" ({report.parked} parked)" if report.parked else "")
        for report in reports
        if report.done or report.parked
    ]
    say("the line: " + (", ".join(told) or "nothing to do"))


def plan(found: Plan) -> None:
    """The plan of a deal with its money effect."""
    say(f"plan for {found.opportunity_name!r}:")
    for step in found.steps:
        say(f"  - {_step(step)}")
    money = found.money
    value, access = usd(money.contract_value), usd(money.access_granted)
    say(f"  money effect: {value} to invoice, {access} of access")
    for day, amount in sorted(money.invoices.items()):
        say(f"    {day}  {usd(amount):>14}")


def money(text: str) -> str:
    """A major-unit amount with two decimals."""
    return f"{Decimal(text):,.2f}"


def wire_usd(amount: Decimal) -> str:
    """A wire amount as a plain column."""
    return f"{major(amount, 'USD'):,.2f}"


def _step(step: PlanStep) -> str:
    match step:
        case CreateCustomer(customer=customer):
            return f"create customer {customer.name}"
        case CreateProduct(product=product):
            return f"create product {product.name}"
        case CreateContract(create=create):
            terms = create.terms
            until = create.term.end.date() if create.term.end else "open end"
            return (
                f"create contract {create.term.start.date()} to {until}: "
                f"{len(terms.commits)} commit, {len(terms.overrides)} overrides, "
                f"{len(terms.charges)} charges"
            )
        case EditContract(change=change):
            return f"edit the contract: {type(change).__name__.lower()}"
