"""``token``: who may call the API, and for what."""

from pathlib import Path

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, pass_session

SCOPES = ("ingest", "read", "write", "admin")


@click.group()
def token() -> None:
    """Tokens of the HTTP API (``closedwon serve``); only their digests are kept."""


@token.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may do; repeat for more. Without any: ingest, read and write.",
)
@pass_session
def create(session: Session, name: str, scopes: tuple[str, ...]) -> None:
    """Make a token for NAME and print it; it is never shown again."""
    from closedwon.engine import tokens
    from closedwon.store.tokens import Scope
    from closedwon.wiring.sources import new_secret

    secret = new_secret()
    chosen = [Scope(scope) for scope in scopes or SCOPES[:3]]
    tokens.create(session.app.engine.stores, name, chosen, secret, by="cli", now=session.now)
    click.echo(secret)


@token.command()
@click.argument("name")
@pass_session
def revoke(session: Session, name: str) -> None:
    """Shut the token of NAME out, from its next request on."""
    from closedwon.engine import tokens

    tokens.revoke(session.app.engine.stores, name, by="cli", now=session.now)
    click.echo(f"revoked {name}", err=True)


@token.command("list")
@output_options
@pass_session
def list_(session: Session, format_: str, output: Path | None) -> None:
    """Every token with what it may do, revoked ones included."""
    rows = [
        {
            "name": one.name,
            "scopes": sorted(one.scopes),
            "created_at": one.created_at,
            "revoked_at": one.revoked_at,
        }
        for one in session.app.engine.stores.tokens.all()
    ]
    show(rows, format_, output)
