"""The end of the story: CRM = billing, and reports to look at."""

from pathlib import Path

from closedwon.cli.demo import show
from closedwon.cli.demo.world import World
from closedwon.deals.mapping.worth import worth_of
from closedwon.reports import balances, invoices, reconcile, spend
from closedwon.reports.crm_side import crm_values
from closedwon.reports.pictures import pictures
from closedwon.reports.render import html, xlsx
from closedwon.reports.table import Report


def write_reports(world: World, out: Path) -> None:
    """Reconcile, write one HTML page and one workbook a report, and say where to look."""
    app, now = world.app, world.now
    mappings = app.mappings
    deals = crm_values(app.store, lambda deal: worth_of(mappings.in_force(deal.record), deal))
    found = list(pictures(app.engine, now))
    reconciled = reconcile.report(found, deals, now)
    written: tuple[tuple[str, Report], ...] = (
        ("reconcile", reconciled),
        ("spend", spend.report(found, now)),
        ("balances", balances.report(found, now)),
        ("invoices", invoices.report(found, now)),
    )
    out.mkdir(parents=True, exist_ok=True)
    page = out / "report.html"
    page.write_text(html.render(*(report for _, report in written)), encoding="utf-8")
    for name, report in written:
        (out / f"{name}.xlsx").write_bytes(xlsx.render(report))
    show.heading(now.date(), "finance closes the month: CRM = billing")
    (sides, *_) = reconciled.tables
    for row in sides.rows:
        named = dict(zip((column.name for column in sides.columns), row, strict=True))
        show.say(
            f"{named['currency']}: CRM {show.money(str(named['CRM']))}, "
            f"billing {show.money(str(named['billing']))}, "
            f"difference {show.money(str(named['difference']))}, "
            f"unexplained {show.money(str(named['unexplained']))} "
            f"({named['deals that match']} deals match)"
        )
    show.heading(now.date(), "where to look")
    show.say(f"{page}  reconciliation, spend, balances and invoices on one page")
    show.say(f"{out}/*.xlsx  the same as workbooks")
    show.say(f"CLOSEDWON_STATE_DIR={world.settings.state_dir} closedwon status")
