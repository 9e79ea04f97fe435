"""``run``: the daemon."""

import click

from closedwon.cli.session import Session, pass_session


@click.command()
@pass_session
def run(session: Session) -> None:
    """Run the line again and again until SIGTERM; health and metrics over HTTP.

    Exits 6 at once when another process runs the line on the same state.
    """
    from closedwon.daemon import configure_logs
    from closedwon.wiring.jobs import Runner

    settings = session.settings
    configure_logs(settings.log_level)
    runner = Runner(settings, session.clock, session.sleep)
    runner.run(lambda port: click.echo(f"health on {settings.http_host}:{port}", err=True))
