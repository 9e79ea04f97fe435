"""``contracts``: what customers signed, and every edit of it."""

from pathlib import Path
from typing import Any

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, pass_session


@click.command()
@click.option("--customer", metavar="ID", help="Only this customer.")
@click.option("--history", metavar="CONTRACT", help="Every edit of one contract, oldest first.")
@output_options
@pass_session
def contracts(
    session: Session,
    customer: str | None,
    history: str | None,
    format_: str,
    output: Path | None,
) -> None:
    """Contracts of all customers, or the edits of one."""
    engine = session.app.engine
    rows: list[dict[str, Any]]
    if history is not None:
        engine.contract(history)
        rows = [
            {
                "edit": edit.id,
                "at": edit.at,
                "by": edit.by,
                "change": type(edit.change).__name__,
                "opportunity": edit.source.opportunity_id if edit.source else None,
                "place": edit.source.place if edit.source else None,
            }
            for edit in engine.edits(history)
        ]
    else:
        rows = [
            {
                "contract": contract.id,
                "customer": one.name,
                "name": contract.name,
                "start": contract.term.start,
                "end": contract.term.end,
                "commits": len(contract.commits),
                "overrides": len(contract.overrides),
                "charges": len(contract.charges),
                "followed_by": contract.followed_by,
            }
            for one in engine.customers()
            if customer in (None, one.id)
            for contract in engine.contracts(one.id)
        ]
    show(rows, format_, output)
