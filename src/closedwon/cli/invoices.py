"""``invoices``: stored and open ones."""

from pathlib import Path
from typing import Any

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, pass_session


@click.command()
@click.option("--customer", metavar="ID", help="Only this customer.")
@click.option("--open", "drafts", is_flag=True, help="Open invoices too, as they stand now.")
@click.option("--lines", is_flag=True, help="One row per line.")
@output_options
@pass_session
def invoices(
    session: Session,
    customer: str | None,
    format_: str,
    output: Path | None,
    *,
    drafts: bool,
    lines: bool,
) -> None:
    """Invoices by issue date; amounts in major units."""
    from closedwon.kernel.exact import Money

    app = session.app
    catalog = app.engine.catalog()
    found = list(app.engine.invoices(customer_id=customer))
    if drafts:
        for one in app.engine.customers():
            if customer in (None, one.id):
                found += app.engine.bill(one.id, session.now).invoices
    rows: list[dict[str, Any]] = []
    for invoice in sorted(found, key=lambda i: (i.issued_at, i.id)):
        currency = catalog.credit_types[invoice.credit_type_id].currency or ""
        head = {
            "invoice": invoice.id,
            "type": invoice.type.value,
            "status": invoice.status.value,
            "issued_at": invoice.issued_at,
            "start": invoice.start,
            "end": invoice.end,
            "currency": currency,
        }
        if not lines:
            total = Money.rounded(invoice.total, currency).amount
            rows.append({**head, "total": total})
        for number, line in enumerate(invoice.lines if lines else (), start=1):
            amount = Money.rounded(line.total, currency).amount
            told: dict[str, Any] = {"line": number, "name": line.name, "quantity": line.quantity}
            rows.append({**head, **told, "amount": amount, "commit": line.commit_id})
    show(rows, format_, output)
