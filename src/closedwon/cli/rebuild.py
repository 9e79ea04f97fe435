"""``rebuild``: derived tables made anew from edits and frozen invoices (D1)."""

import click

from closedwon.cli.output import show
from closedwon.cli.session import Session, exit_with, pass_session


@click.command()
@click.option("--verify", is_flag=True, help="Compare byte for byte and keep nothing.")
@pass_session
def rebuild(session: Session, *, verify: bool) -> None:
    """Drop every derived table and make it anew; say what was not as it should have been.

    With --verify the caches are made anew inside a transaction that is undone, and invoice lines
    and ledger entries are compared with the invoices and terms they follow from; exits 1 when
    anything differs.
    """
    from closedwon.sync.proof import rebuilt, verified

    app = session.app
    app.lock()
    proof = (verified if verify else rebuilt)(app.engine, app.store, session.now)
    rows = [
        {"table": x.table, "rows": x.rows, "as it should be": _said(x.wrong)} for x in proof.tables
    ]
    show(rows, "table")
    for finding in proof.findings:
        click.echo(finding, err=True)
    exit_with(1 if verify and not proof.is_sound else 0)


def _said(wrong: int) -> str:
    return "yes" if not wrong else f"no ({wrong})"
