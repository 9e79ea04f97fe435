"""``usage``: events in, and who sent them."""

from pathlib import Path

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, exit_with, pass_session

SHOWN_MAX = 20


@click.group()
def usage() -> None:
    """Usage events."""


@usage.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@pass_session
def ingest(session: Session, files: tuple[Path, ...]) -> None:
    """Store events of .jsonl, .csv or .parquet files; sending a file again changes nothing.

    Lines that cannot be stored are told on stderr; then the exit code is 1.
    """
    from closedwon.usage.files import combined, ingest_file

    reports = []
    for file in files:
        for report in ingest_file(session.app.usage, file, session.now):
            reports.append(report)
            click.echo(f"{file.name}: {combined(reports).accepted} stored so far", err=True)
            session.app.usage.seal(session.now)
    total = combined(reports)
    for rejection in total.rejected[:SHOWN_MAX]:
        click.echo(f"{rejection.place}: [{rejection.code}] {rejection.message}", err=True)
    if len(total.rejected) > SHOWN_MAX:
        click.echo(f"... and {len(total.rejected) - SHOWN_MAX} more", err=True)
    click.echo(
        f"accepted {total.accepted}, duplicates {total.duplicates},"
        f" conflicts {total.conflicts}, rejected {len(total.rejected)}"
    )
    exit_with(1 if total.rejected or total.conflicts else 0)


@usage.command()
@output_options
@pass_session
def senders(session: Session, format_: str, output: Path | None) -> None:
    """Events by customer identifier, and the customer each belongs to (R21)."""
    app = session.app
    known = {
        name: customer.name
        for customer in app.engine.customers()
        for name in (customer.id, *customer.ingest_aliases)
    }
    rows = [
        {"customer_id": sender, "events": count, "customer": known.get(sender)}
        for sender, count in sorted(app.usage.senders().items())
    ]
    show(rows, format_, output)
