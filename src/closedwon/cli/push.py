"""``push``: figures to Salesforce, now."""

import click

from closedwon.cli.session import PARKED_EXIT, Session, exit_with, pass_session


@click.command()
@click.option("--dry-run", is_flag=True, help="Compute the figures and count what would be sent.")
@pass_session
def push(session: Session, *, dry_run: bool) -> None:
    """Compute the Meter_* rows and send those that differ from what Salesforce was told."""
    from closedwon.kernel.errors import ConfigError
    from closedwon.sync.line import run_line

    app = session.app
    app.lock()
    if not app.settings.push_enabled:
        raise ConfigError("pushing is turned off (CLOSEDWON_PUSH_ENABLED)")
    if dry_run:
        app.figures.run(session.now)
        click.echo(f"{app.store.pushes.count_waiting()} rows would be sent")
        return
    for report in run_line(app.outbound, app.store, session.now):
        click.echo(f"{report.step}: {report.done} done, {report.parked} parked")
        for note in report.notes:
            click.echo(note, err=True)
    exit_with(PARKED_EXIT if app.store.parked.open() else 0)
