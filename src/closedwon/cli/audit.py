"""``audit``: who did what, and whether the record of it is whole (R363, G25)."""

from pathlib import Path

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, exit_with, pass_session


@click.group()
def audit() -> None:
    """The append-only record of every mutation, failed ones included."""


@audit.command("list")
@click.option("--after", default=0, show_default=True, help="Position to start after.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--resource", metavar="ID", help="Only what was done to this.")
@output_options
@pass_session
def list_(
    session: Session,
    after: int,
    limit: int,
    resource: str | None,
    format_: str,
    output: Path | None,
) -> None:
    """Rows in the order they were written; poll with the last position (R363)."""
    rows = session.app.engine.stores.audit.rows(after, limit, resource)
    show(
        [
            {
                "position": row.position,
                "at": row.at,
                "by": row.by,
                "action": row.action,
                "type": row.resource_type,
                "id": row.resource_id,
                "outcome": row.outcome.value,
                "detail": row.detail,
            }
            for row in rows
        ],
        format_,
        output,
    )


@audit.command()
@click.option("--head", metavar="HASH", help="Hash that a kept copy ends with, at --position.")
@click.option("--position", type=click.IntRange(1), help="Position the kept hash belongs to.")
@pass_session
def verify(session: Session, *, head: str | None, position: int | None) -> None:
    """Check the hash chain; exits 1 at the first row that was changed, removed or inserted.

    A chain cannot show that rows were cut off its end: keep the position and hash printed here
    elsewhere and give them back with --position and --head.
    """
    log = session.app.engine.stores.audit
    broken = log.broken_at()
    last, last_hash = log.head()
    if broken is not None:
        click.echo(f"BROKEN at row {broken}")
        exit_with(1)
    if head is not None and position is not None:
        found = log.rows(position - 1, 1)
        if not found or found[0].position != position or found[0].hash != head:
            click.echo(f"BROKEN: row {position} is not the one that was kept")
            exit_with(1)
    click.echo(f"ok  {last} rows, hash {last_hash}")
