"""Towns of worlds billed as columns and one by one, for the tests of this room."""

from collections.abc import Iterable, Sequence

from billing.world import SETTINGS, World, at
from closedwon.billing.bill import bill, demands
from closedwon.billing.columns.drafts import Drafts, drafts
from closedwon.billing.columns.invoices import invoices
from closedwon.billing.columns.panel import Increments, Panel, measured_by
from closedwon.billing.invoices.types import Invoice, InvoiceType
from closedwon.billing.rating.demand import Demand, Quantities


def measured(towns: Sequence[World], panels: Sequence[Panel]) -> list[Increments]:
    """Every panel answered from the worlds' own readings."""
    by_name = {world.account.customer.id: world for world in towns}

    def measure(demands: Iterable[Demand]) -> Quantities:
        return {d.key: tuple(by_name[d.customer_ids[0]]._readings(d)) for d in demands}

    return measured_by(measure, panels)


def in_columns(town: Sequence[World], now: str) -> Drafts:
    return drafts(
        [world.account for world in town],
        town[0].catalog,
        SETTINGS,
        at(now),
        lambda panels: measured(town, panels),
        smallest=1,
    )


def as_invoices(found: Drafts) -> dict[str, dict[str, Invoice]]:
    """Usage invoices of the sheets, by customer and id."""
    made: dict[str, dict[str, Invoice]] = {}
    for sheet in found.sheets:
        for row, invoice in invoices(found.roster, sheet, SETTINGS):
            customer_id = found.roster.rows[row].account.customer.id
            made.setdefault(customer_id, {})[invoice.id] = invoice
    return made


def ordinary(world: World, now: str) -> dict[str, Invoice]:
    """The usage invoices that ``billing.bill.bill`` drafts, by id."""
    wanted = demands(world.account, world.catalog, at(now))
    quantities = {d.key: tuple(world._readings(d)) for d in wanted}
    made = bill(world.account, world.catalog, quantities, at(now), SETTINGS)
    return {i.id: i for i in made.invoices if i.type is InvoiceType.USAGE}
