"""``balance``: what customers can still draw."""

from datetime import datetime
from pathlib import Path

import click

from closedwon.cli.output import as_of_options, output_options, show
from closedwon.cli.session import Session, pass_session


@click.command()
@click.option("--customer", metavar="ID", help="Only this customer.")
@as_of_options
@output_options
@pass_session
def balance(
    session: Session,
    /,
    customer: str | None,
    format_: str,
    output: Path | None,
    **instants: datetime | None,
) -> None:
    """One row per access window of every commit and credit; amounts in major units."""
    from closedwon.kernel.exact import Money

    app = session.app
    at = instants["as_of"] or session.now
    catalog = app.engine.catalog()
    rows = []
    for one in app.engine.customers():
        if customer not in (None, one.id):
            continue
        bill = app.engine.bill(one.id, at, instants["known_at"])
        commits = {commit.id: commit for commit in bill.commits}
        for held in bill.balances:
            commit = commits[held.commit_id]
            window = next(s.window for s in commit.segments if s.id == held.segment_id)
            currency = catalog.credit_types[commit.access_credit_type_id].currency or ""
            amounts = {
                name: Money.rounded(getattr(held, name), currency).amount
                for name in ("granted", "used", "expired", "rolled", "remaining")
            }
            rows.append(
                {
                    "customer": one.name,
                    "commit": commit.id,
                    "name": commit.name,
                    "start": window.start,
                    "end": window.end,
                    "currency": currency,
                    **amounts,
                    "active": "yes" if held.is_active else "",
                }
            )
    show(rows, format_, output)
