"""``org``: a local Salesforce to try things on."""

from pathlib import Path

import click

from closedwon.cli.session import Session, pass_session

DATABASE = click.option(
    "--db",
    "database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("org.db"),
    show_default=True,
    help="File the org lives in.",
)


@click.group()
def org() -> None:
    """A local Salesforce that real clients can use."""


@org.command()
@DATABASE
@click.argument("sources", nargs=-1, required=True)
@pass_session
def load(session: Session, database: Path, sources: tuple[str, ...]) -> None:
    """Load data sets: infrax, infrax-renewal, a records .json file, a folder of CSV exports."""
    from closedwon.wiring.devorg import load_into, open_org

    opened = open_org(database, session.clock)
    try:
        for source in sources:
            for name, count in load_into(opened, source).items():
                click.echo(f"{name:32}{count:>8}")
    finally:
        opened.close()


@org.command()
@DATABASE
@click.option("--memory", is_flag=True, help="Keep nothing; ignores --db.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8765, show_default=True, help="Port; 0 takes a free one.")
@click.option(
    "--client-secret",
    envvar="CLOSEDWON_ORG_SECRET",
    help="Secret to log in with; a new one is made and shown when not given.",
)
@click.option("--data", "sources", multiple=True, help="Load this data set first; may be repeated.")
@pass_session
def serve(  # noqa: PLR0913 - one argument an option
    session: Session,
    *,
    database: Path,
    memory: bool,
    host: str,
    port: int,
    client_secret: str | None,
    sources: tuple[str, ...],
) -> None:
    """Serve the org over HTTP until interrupted; prints the settings that lead to it."""
    from threading import Event

    from closedwon.devorg.http import running
    from closedwon.wiring.devorg import (
        CLIENT_ID,
        load_into,
        new_secret,
        open_org,
        served,
    )

    secret = client_secret or new_secret()
    opened = open_org(":memory:" if memory else database, session.clock)
    try:
        for source in sources:
            load_into(opened, source)
        with running(served(opened, secret, session.clock), host, port) as url:
            click.echo(f"CLOSEDWON_SALESFORCE_LOGIN_URL={url}")
            click.echo(f"CLOSEDWON_SALESFORCE_CLIENT_ID={CLIENT_ID}")
            if client_secret is None:
                click.echo(f"CLOSEDWON_SALESFORCE_CLIENT_SECRET={secret}")
            click.echo("serving; interrupt to stop", err=True)
            Event().wait()
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    finally:
        opened.close()
