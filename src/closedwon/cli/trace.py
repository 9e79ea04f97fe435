"""``trace``: what a quote line or an opportunity became (D10)."""

from pathlib import Path

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, pass_session


@click.command()
@click.argument("origin")
@output_options
@pass_session
def trace(session: Session, origin: str, format_: str, output: Path | None) -> None:
    """Walk opportunity, quote or quote line ORIGIN forwards: its terms and what they billed."""
    from closedwon.kernel.errors import NotFound
    from closedwon.kernel.exact import major

    engine = session.app.engine
    terms = engine.trace(origin, session.now)
    if not terms:
        raise NotFound("nothing in billing came from this", id=origin)
    kinds = engine.catalog().credit_types
    rows = [
        {
            "term": term.name,
            "kind": term.kind,
            "contract": term.contract_id,
            "rule": term.source.rule,
            "place": term.source.place,
            "invoice": None if billed is None else billed.invoice.id,
            "status": None if billed is None else billed.invoice.status.value,
            "issued_at": None if billed is None else billed.invoice.issued_at,
            "line": None if billed is None else billed.number,
            "total": None
            if billed is None
            else major(billed.line.total, kinds[billed.line.credit_type_id].currency or ""),
        }
        for term in terms
        for billed in term.lines or (None,)
    ]
    show(rows, format_, output)
