"""``status``: how the line stands."""

import click

from closedwon.cli.session import PARKED_EXIT, Session, exit_with, pass_session


@click.command()
@click.option("--detailed-exitcode", is_flag=True, help="Exit 3 when something is parked.")
@pass_session
def status(session: Session, *, detailed_exitcode: bool) -> None:
    """Deals by outcome, open reasons, rows to push, watermarks and the last run of each step.

    Asks Salesforce nothing. Exits 1 when parked deals and parked reasons disagree.
    """
    app, store = session.app, session.app.store
    counts = store.deals.check()
    click.echo(
        f"deals: {counts.seen} seen = {counts.provisioned} provisioned + {counts.parked} parked"
        f" + {counts.excluded} excluded + {counts.waiting} waiting"
    )
    reasons = store.parked.open()
    click.echo(f"parked reasons: {len(reasons)}; rows to push: {store.pushes.count_waiting()}")
    sent = session.app.engine.stores.outbox.counts()
    if sent:
        told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sent.items())
        click.echo(f"deliveries: {told}")
    if app.settings.target != "embedded":
        begun = len(app.target.begun())
        click.echo(f"billed by {app.settings.target}: {begun} plans begun there, to be finished")
    for mark in store.watermarks.all():
        click.echo(f"read {mark.object_name} until {mark.until:%Y-%m-%d %H:%M:%S}Z")
    for step, (at, report, error) in store.runs.last().items():
        told = error or f"{report.done} done, {report.unchanged} unchanged, {report.parked} parked"
        click.echo(f"{at:%Y-%m-%d %H:%M:%S}Z {step}: {told}")
    exit_with(PARKED_EXIT if detailed_exitcode and reasons else 0)
