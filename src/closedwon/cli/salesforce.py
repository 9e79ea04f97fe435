"""``salesforce``: what the org has of what we need."""

import click

from closedwon.cli.session import Session, exit_with, pass_session


@click.group()
def salesforce() -> None:
    """What the org has of what we need."""


@salesforce.command()
@click.option("--check", is_flag=True, help="Compare the org with the shipped package.")
@pass_session
def schema(session: Session, *, check: bool) -> None:
    """List the Meter_* objects and fields of the package; with --check what the org lacks.

    Exits 1 when something is missing.
    """
    from closedwon.wiring.package import missing, shipped

    if not check:
        for name, fields in shipped().items():
            click.echo(f"{name}: {', '.join(sorted(fields))}")
        return
    found = missing(session.app.org.schema)
    for line in found:
        click.echo(line)
    click.echo(f"{len(found)} missing", err=True)
    exit_with(1 if found else 0)
