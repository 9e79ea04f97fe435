"""``parked``: what stopped, why, and letting it try again."""

import getpass
from pathlib import Path
from typing import Any

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, pass_session


@click.group()
def parked() -> None:
    """What stopped, why, and letting it try again."""


@parked.command("list")
@click.option("--code", help="Only reasons with this code.")
@output_options
@pass_session
def list_(session: Session, code: str | None, format_: str, output: Path | None) -> None:
    """Every open reason, oldest first."""
    import msgspec

    from closedwon.sync.parked import stopped

    app = session.app
    rows = [
        msgspec.structs.asdict(one)
        for one in stopped(app.store, app.engine)
        if code in (None, one.code)
    ]
    if format_ == "table" and output is None:
        _tell(rows)
        return
    show(rows, format_, output)


def _tell(rows: list[dict[str, Any]]) -> None:
    """For people: what, where and the fix are sentences, too long for columns."""
    for row in rows:
        click.secho(f"{row['subject']}  {row['code']}", bold=True)
        click.echo(f"  {row['message']}")
        where = ", ".join(text for text in (row["field"], row["place"]) if text)
        if where:
            click.echo(f"  where: {where}")
        click.echo(f"  fix:   {row['fix']}")
        retry = row["retry_at"]
        again = f", tried again at {retry:%Y-%m-%d %H:%M}" if retry is not None else ""
        since = f"{row['first_seen_at']:%Y-%m-%d %H:%M}"
        click.echo(f"  since {since}, attempts {row['attempts']}{again}")
    click.echo(f"{len(rows)} open" if rows else "nothing is parked")


@parked.command("show")
@click.argument("subject")
@pass_session
def show_(session: Session, subject: str) -> None:
    """One deal or pushed row: every reason it ever had, and the plan that waits."""
    from closedwon.kernel import strict_json
    from closedwon.kernel.errors import NotFound
    from closedwon.store.line.plans import plan_text

    store = session.app.store
    history = store.parked.history(subject)
    if not history:
        raise NotFound("nothing of that name was ever parked", subject=subject)
    for row in history:
        state = "open" if row.is_open else f"closed {row.resolved_at:%Y-%m-%d %H:%M}"
        by = f", released by {row.released_by}" if row.released_by else ""
        click.echo(f"[{row.code}] {row.message}")
        where = "  ".join(text for text in (row.record_id, row.field, row.place) if text)
        click.echo(f"  where: {where}\n  fix: {row.fix}\n  {state}{by}; attempts: {row.attempts}")
    live = store.plans.live(subject)
    if live is not None:
        click.echo(
            f"plan {live.state}: {strict_json.dumps(strict_json.loads(plan_text(live.plan)))}"
        )


@parked.command()
@click.argument("subjects", nargs=-1, required=True)
@pass_session
def release(session: Session, subjects: tuple[str, ...]) -> None:
    """Let deals, rows or customers try again; a held plan goes through as it stands."""
    from closedwon.sync.parked import let_go

    app = session.app
    for subject in subjects:
        step = let_go(app.store, app.engine, subject, getpass.getuser(), session.now)
        click.echo(f"released {subject}: goes on with {step}")
