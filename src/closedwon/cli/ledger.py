"""``ledger``: every final movement of commits and credits."""

from pathlib import Path

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, pass_session


@click.command()
@click.option("--customer", metavar="ID", help="Only this customer.")
@click.option("--commit", metavar="ID", help="Only this commit or credit.")
@output_options
@pass_session
def ledger(
    session: Session, customer: str | None, commit: str | None, format_: str, output: Path | None
) -> None:
    """Movements by time, named as finance exports name them; amounts in major units."""
    from closedwon.finance.export import movement
    from closedwon.kernel.exact import Money

    engine = session.app.engine
    kinds = engine.catalog().credit_types
    rows = []
    for one in engine.customers():
        if customer not in (None, one.id):
            continue
        for held in engine.bill(one.id, session.now).commits:
            unit = kinds[held.access_credit_type_id]
            for entry in engine.ledger(held.id) if commit in (None, held.id) else ():
                currency = unit.currency
                amount = Money.rounded(entry.amount, currency).amount if currency else entry.amount
                rows.append(
                    {
                        "at": entry.timestamp,
                        "customer": one.name,
                        "commit": held.id,
                        "name": held.name,
                        "movement": movement(held.kind, entry.type),
                        "amount": amount,
                        "unit": currency or unit.name,
                        "invoice": entry.invoice_id,
                        "reason": entry.reason,
                    }
                )
    show(sorted(rows, key=lambda row: (str(row["at"]), str(row["commit"]))), format_, output)
