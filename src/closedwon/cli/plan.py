"""``plan`` and ``apply``: what would change in billing, and carrying exactly that out."""

import getpass
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import CHANGES_EXIT, Session, exit_with, pass_session

if TYPE_CHECKING:
    from closedwon.deals.types import Plan


@click.command()
@click.option("--opportunity", metavar="ID", help="Only this deal.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="For `apply`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 when anything would change.")
@output_options
@pass_session
def plan(
    session: Session,
    opportunity: str | None,
    save: Path | None,
    *,
    detailed_exitcode: bool,
    format_: str,
    output: Path | None,
) -> None:
    """Show per deal what would be created, changed and ended, and what it does to money.

    Reads Salesforce and works on a copy of the state: nothing is changed.
    """
    from closedwon.kernel import strict_json
    from closedwon.kernel.ids import id18
    from closedwon.store.line.plans import plan_text
    from closedwon.sync.line import settle

    wanted = None if opportunity is None else id18(opportunity)
    with session.rehearsal() as app:
        steps = [step for step in app.inbound if step.name not in ("apply", "retries")]
        if wanted is not None:
            app.see([wanted], session.now)
            steps = [step for step in steps if step.name != "poll"]
        for _ in settle(steps, app.store, session.now):
            pass
        found = [stored.plan for stored in app.store.plans.all_live()]
        parked = app.store.parked.open()
    plans = [one for one in found if wanted in (None, one.opportunity_id)]
    show([row for one in plans for row in _rows(one)], format_, output)
    for reason in parked:
        if wanted in (None, reason.subject) and reason.step != "plan":
            click.echo(f"parked {reason.subject}: [{reason.code}] {reason.message}", err=True)
    if save is not None:
        whole = [strict_json.loads(plan_text(one)) for one in plans]
        save.write_text(strict_json.dumps(whole) + "\n", encoding="utf-8")
        click.echo(f"saved {len(plans)} plans to {save}", err=True)
    exit_with(CHANGES_EXIT if detailed_exitcode and plans else 0)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_session
def apply(session: Session, file: Path) -> None:
    """Carry out the plans of FILE; a deal or contract that moved since is refused.

    Applying a saved plan is a person's decision, so it also releases what was held.
    """
    from closedwon.kernel import strict_json
    from closedwon.store.line.plans import plan_of
    from closedwon.sync.line import settle

    plans = [plan_of(strict_json.dumps(one)) for one in strict_json.loads(file.read_bytes())]
    app = session.app
    app.lock()
    app.see([one.opportunity_id for one in plans], session.now)
    steps = [step for step in app.deal_steps() if step.name != "apply"]
    for _ in settle(steps, app.store, session.now):
        pass
    for one in plans:
        app.apply.apply_as_planned(one, getpass.getuser(), session.now)
        click.echo(f"applied {one.opportunity_id} {one.opportunity_name}")


def _rows(one: "Plan") -> Iterable[dict[str, Any]]:
    from closedwon.deals.told import steps_told
    from closedwon.kernel.exact import major

    money = one.money
    yield {
        "opportunity": one.opportunity_id,
        "name": one.opportunity_name,
        "steps": list(steps_told(one)),
        "contract_value": major(money.contract_value, money.currency),
        "access_granted": major(money.access_granted, money.currency),
        "currency": money.currency,
        "invoices": {on.isoformat(): major(a, money.currency) for on, a in money.invoices.items()},
        "first_bill": money.first_bill,
        "held": [hold.message for hold in one.holds],
    }
