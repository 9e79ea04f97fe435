"""``target``: the billing system beyond the wire, where one is set."""

import click

from closedwon.cli.session import Session, pass_session


@click.group()
def target() -> None:
    """The remote billing system that terms are provisioned in (docs/targets.md)."""


@target.command("check")
@pass_session
def check(session: Session) -> None:
    """Ask the target for something, with our token."""
    click.echo(f"{session.app.remote_target.check()} answers")


@target.command("accept")
@click.argument("contract_id")
@pass_session
def accept(session: Session, contract_id: str) -> None:
    """Take edits somebody made of a contract on the target as known, so that ours go on.

    Our own copy stays as it is: bring the same change into the deal, or take it back on the target.
    """
    found = session.app.remote_target.accept(contract_id)
    click.echo(f"{found} edits of {contract_id} accepted")
