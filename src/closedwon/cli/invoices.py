"""``invoices``: stored and open ones, and the document of one."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from closedwon.cli.output import as_of_options, output_options, show
from closedwon.cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from closedwon.billing.invoices.types import Invoice


@click.group(invoke_without_command=True)
@click.option("--customer", metavar="ID", help="Only this customer.")
@click.option("--open", "drafts", is_flag=True, help="Open invoices too, as they stand now.")
@click.option("--lines", is_flag=True, help="One row per line.")
@as_of_options
@output_options
@pass_session
def invoices(
    session: Session,
    /,
    customer: str | None,
    format_: str,
    output: Path | None,
    *,
    drafts: bool,
    lines: bool,
    **instants: datetime | None,
) -> None:
    """Invoices by issue date; amounts in major units."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    from closedwon.kernel.exact import Money

    app = session.app
    catalog = app.engine.catalog()
    at, known_at = instants["as_of"] or session.now, instants["known_at"]
    found = list(_stored(session, customer, instants))
    if drafts:
        for one in app.engine.customers():
            if customer in (None, one.id):
                made = app.engine.bill(one.id, at, known_at)
                found += made.invoices
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


def _stored(
    session: Session, customer: str | None, instants: "Mapping[str, datetime | None]"
) -> "list[Invoice]":
    engine, at = session.app.engine, instants["as_of"] or session.now
    if instants["as_of"] is None and instants["known_at"] is None:
        return list(engine.invoices(customer_id=customer))
    found: list[Invoice] = []
    for one in engine.customers():
        if customer in (None, one.id):
            account = engine.account(one.id, at, instants["known_at"])
            found += (i for i in (*account.finalized, *account.voided) if i.customer_id == one.id)
    return found


@invoices.command("show")
@click.argument("invoice_id", metavar="ID")
@click.option(
    "--format",
    "format_",
    type=click.Choice(("html", "pdf", "json")),
    default="html",
    show_default=True,
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of stdout.",
)
@pass_session
def show_one(session: Session, invoice_id: str, format_: str, output: Path | None) -> None:
    """The document of one invoice, to print or to send; an open one is marked as a draft.

    PDF needs the extra: pip install closedwon[pdf].
    """
    from closedwon.delivery.documents import Issued, html_of, invoice_json, pdf_of
    from closedwon.kernel import strict_json

    engine = session.app.engine
    invoice = _found(session, invoice_id)
    issued = Issued(
        invoice=invoice,
        customer=engine.customer(invoice.customer_id),
        catalog=engine.catalog(),
        seller=session.settings.invoice_seller,
        external=engine.stores.providers.external(invoice.id),
    )
    if format_ == "pdf":
        document = pdf_of(issued)
    elif format_ == "json":
        document = (strict_json.dumps(invoice_json(issued)) + "\n").encode()
    else:
        document = html_of(issued).encode()
    if output is None:
        click.echo(document, nl=False)
    else:
        output.write_bytes(document)
        click.echo(f"wrote {output}", err=True)


def _found(session: Session, invoice_id: str) -> "Invoice":
    """The stored invoice, else the open one as it stands now; raises NotFound."""
    from closedwon.kernel.errors import NotFound

    engine = session.app.engine
    try:
        return engine.invoice(invoice_id)
    except NotFound:
        everyone = [customer.id for customer in engine.customers()]
        for bill in engine.bills(everyone, session.now).bills.values():
            for draft in bill.invoices:
                if draft.id == invoice_id:
                    return draft
        raise
