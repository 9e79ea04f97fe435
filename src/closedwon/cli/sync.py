"""``sync``: the line, once."""

from pathlib import Path

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import CHANGES_EXIT, PARKED_EXIT, Session, exit_with, pass_session


@click.command()
@click.option("--only", metavar="STEP", help="Run one step instead of all of them.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 when anything changed.")
@output_options
@pass_session
def sync(
    session: Session,
    only: str | None,
    format_: str,
    output: Path | None,
    *,
    detailed_exitcode: bool,
) -> None:
    """Run every step in order until nothing moves, and print what each did.

    Exits 3 when deals or rows are parked afterwards.
    """
    from closedwon.sync.line import settle, totals

    app = session.app
    app.lock()
    steps = (*app.steps, *app.sweeping) if only == "sweep" else app.steps
    chosen = [step for step in steps if only in (None, step.name)]
    if not chosen:
        names = ", ".join([*(step.name for step in steps), "sweep"])
        raise click.BadParameter(f"no such step; one of: {names}", param_hint="--only")
    reports = totals(settle(chosen, app.store, session.now))
    rows = [
        {
            "step": report.step,
            "done": report.done,
            "unchanged": report.unchanged,
            "parked": report.parked,
            "waiting": report.waiting,
            "notes": list(report.notes),
        }
        for report in reports
    ]
    show(rows, format_, output)
    if detailed_exitcode and any(report.done for report in reports):
        exit_with(CHANGES_EXIT)
    exit_with(PARKED_EXIT if app.store.parked.open() else 0)
