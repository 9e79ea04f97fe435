"""``deals``: every deal seen, and what came of it."""

from pathlib import Path

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, pass_session


@click.command()
@click.option(
    "--outcome", type=click.Choice(["waiting", "provisioned", "parked", "excluded"]), default=None
)
@output_options
@pass_session
def deals(session: Session, outcome: str | None, format_: str, output: Path | None) -> None:
    """Every deal seen, and what came of it."""
    rows = [
        {
            "opportunity": row.opportunity_id,
            "name": row.name,
            "outcome": row.outcome.value,
            "kind": row.kind,
            "waits_for": row.waits_for,
            "reason": row.reason,
            "contract": row.contract_id,
            "provisioned_at": row.provisioned_at,
            "seen_at": row.seen_at,
        }
        for row in session.app.store.deals.all(outcome)
    ]
    show(rows, format_, output)
