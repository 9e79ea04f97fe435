"""``backfill``: bring deals closed in the past into billing."""

import sys
from contextlib import nullcontext
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from closedwon.cli.session import PARKED_EXIT, Session, exit_with, pass_session

if TYPE_CHECKING:
    from closedwon.sync.backfill import Progress, Summary

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--from", "since", type=DAY, help="First close date.")
@click.option("--to", "until", type=DAY, help="First close date left out.")
@click.option("--dry-run", is_flag=True, help="The same on a copy of the state.")
@click.option("--resume", is_flag=True, help="Go on with a backfill that was interrupted.")
@click.option("--rate", type=click.IntRange(min=1), help="At most this many deals per minute.")
@pass_session
def backfill(
    session: Session,
    since: datetime | None,
    until: datetime | None,
    rate: int | None,
    *,
    dry_run: bool,
    resume: bool,
) -> None:
    """Provision deals closed in [--from, --to), or park each with its reason.

    Every deal commits by itself; a run that was cut goes on with --resume. Exits 3 when deals are
    parked at its end, 5 when the API budget is spent.
    """
    stretch = _stretch(since, until, resume=resume)
    began = session.clock()
    with session.rehearsal() if dry_run else nullcontext(session.app) as app:
        if not dry_run:
            app.lock()
        work = app.backfill(rate)
        if stretch is None:
            listed = work.resume(session.now).listed or 0
        else:
            listed = work.start(*stretch, session.now)
        for progress in work.run(session.now):
            _tell(progress)
        summary = work.summary(listed, session.now)
    seconds = int((session.clock() - began).total_seconds())
    _close(summary, seconds, dry_run=dry_run)
    exit_with(PARKED_EXIT if summary.counts.parked else 0)


def _stretch(
    since: datetime | None, until: datetime | None, *, resume: bool
) -> tuple[date, date] | None:
    if resume:
        if since or until:
            raise click.UsageError("--resume goes on with the dates given before")
        return None
    if since is None or until is None:
        raise click.UsageError("give --from and --to, or --resume")
    if until <= since:
        raise click.UsageError("--to must be later than --from")
    return since.date(), until.date()


def _tell(progress: "Progress") -> None:
    """A line per pass; on a terminal the line is written over."""
    done = {report.step: report.done for report in progress.reports}
    told = "  ".join(f"{step} {count}" for step, count in done.items())
    line = f"{progress.settled} of {progress.total} deals settled; this pass: {told}"
    young = next((r.waiting for r in progress.reports if r.step == "assemble"), 0)
    if young:
        line += f"; {young} were saved a moment ago and are read again when they stand still"
    end = "\r" if sys.stderr.isatty() else "\n"
    click.echo(f"{line}{end}", err=True, nl=False)


def _close(summary: "Summary", seconds: int, *, dry_run: bool) -> None:
    counts = summary.counts
    click.echo("", err=True)
    click.echo("rehearsed; nothing was changed" if dry_run else "backfill finished")
    click.echo(f"deals listed         {summary.listed}")
    click.echo(f"plans applied        {summary.plans_applied}")
    for currency, value in sorted(summary.contract_value.items()):
        granted = summary.access_granted.get(currency, 0)
        click.echo(f"contract value       {value:,.2f} {currency} (access {granted:,.2f})")
    click.echo(
        f"deals ever seen      {counts.seen} = {counts.provisioned} provisioned"
        f" + {counts.parked} parked + {counts.excluded} excluded + {counts.waiting} waiting"
    )
    click.echo(f"API calls            {summary.api_calls}")
    click.echo(f"duration             {seconds} s")
