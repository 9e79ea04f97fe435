"""``explain``: why an invoice line is what it is (D10)."""

import click

from closedwon.cli.output import cell
from closedwon.cli.session import Session, pass_session


@click.command()
@click.argument("invoice")
@click.argument("line", type=click.IntRange(min=1))
@pass_session
def explain(session: Session, invoice: str, line: int) -> None:
    """Walk line LINE (from 1) of stored invoice INVOICE back to its deal and its events."""
    from closedwon.kernel.exact import major

    found = session.app.engine.explain(invoice, line)
    told = found.line
    kind = session.app.engine.catalog().credit_types[told.credit_type_id]
    price, total = (
        None if amount is None else major(amount, kind.currency or "")
        for amount in (told.unit_price, told.total)
    )
    unit = kind.currency or kind.name
    click.echo(f"{told.name}: {cell(told.quantity)} x {cell(price)} = {cell(total)} {unit}")
    if told.starting_at is not None:
        click.echo(f"  from {cell(told.starting_at)} to {cell(told.ending_before)}")
    for cause in found.causes:
        click.echo(f"  {cause.kind} {cause.name} ({cause.id})")
        if cause.edit is not None:
            click.echo(f"    brought by edit {cause.edit.id} at {cell(cause.edit.at)}")
        if cause.source is not None:
            source = cause.source
            lines = ", ".join(source.line_ids)
            click.echo(f"    opportunity {source.opportunity_id} quote {source.quote_id} {lines}")
            click.echo(f"    rule {source.rule} at {source.place}")
    if found.metric_id is not None:
        senders = ", ".join(found.customer_ids)
        click.echo(f"  events of metric {found.metric_id} sent by {senders}")
