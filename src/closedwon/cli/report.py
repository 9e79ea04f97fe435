"""``report``: what finance closes the month with."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from closedwon.cli.session import CHANGES_EXIT, Session, exit_with, pass_session

FORMATS = ("table", "csv", "json", "xlsx", "html")
NAMES = ("reconcile", "spend", "balances", "invoices", "unbilled")


@click.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice([*NAMES, "all"]))
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of stdout.",
)
@click.option("--customer", help="Only this customer id.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Drafts as of this instant (UTC); now when not given.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 when there are exceptions.")
@pass_session
def report(  # noqa: PLR0913 - one argument an option
    session: Session,
    *,
    names: tuple[str, ...],
    format_: str,
    output: Path | None,
    customer: str | None,
    as_of: datetime | None,
    detailed_exitcode: bool,
) -> None:
    """Reconcile CRM and billing; spend, balances, invoices and unbilled usage.

    Several reports go on one HTML page or one after the other; a workbook holds one report.
    """
    from datetime import UTC

    now = session.now if as_of is None else as_of.replace(tzinfo=UTC)
    chosen = NAMES if "all" in names else names
    if format_ == "xlsx" and (output is None or len(chosen) > 1):
        raise click.UsageError("xlsx writes one report to one file: name one and give -o")
    made = [_make(session, name, customer, now) for name in dict.fromkeys(chosen)]
    _write(made, format_, output)
    broken = detailed_exitcode and any(one.has_exceptions for one in made)
    exit_with(CHANGES_EXIT if broken else 0)


def _make(session: Session, name: str, customer: str | None, now: datetime) -> Any:
    from closedwon.deals.mapping.worth import worth_of
    from closedwon.reports import balances, invoices, reconcile, spend, unbilled
    from closedwon.reports.crm_side import crm_values
    from closedwon.reports.pictures import pictures

    app = session.app
    if name == "unbilled":
        chosen = [one for one in app.engine.customers() if customer in (None, one.id)]
        return unbilled.report(
            app.engine.unbilled([one.id for one in chosen], now),
            {one.id: one.name for one in chosen},
            app.engine.catalog(),
            now,
        )
    found = pictures(app.engine, now, customer)
    if name == "reconcile":
        mappings = app.mappings
        deals = crm_values(app.store, lambda deal: worth_of(mappings.in_force(deal.record), deal))
        return reconcile.report(found, deals, now)
    makers = {"spend": spend.report, "balances": balances.report, "invoices": invoices.report}
    return makers[name](found, now)


def _write(made: list[Any], format_: str, output: Path | None) -> None:
    from closedwon.reports.render import (
        csv_text,
        html,
        json_text,
        text,
        xlsx,
    )

    if format_ == "xlsx" and output is not None:
        output.write_bytes(xlsx.render(made[0]))
        click.echo(f"wrote {output}", err=True)
        return
    renders = {"table": text.render, "csv": csv_text.render, "json": json_text.render}
    if format_ == "html":
        content = html.render(*made)
    else:
        content = "\n".join(renders[format_](one) for one in made)
    if output is None:
        click.echo(content, nl=False)
        return
    output.write_text(content, encoding="utf-8")
    click.echo(f"wrote {output}", err=True)
