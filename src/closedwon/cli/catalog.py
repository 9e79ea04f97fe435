"""``catalog``: metrics, products and rate cards."""

from pathlib import Path

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, pass_session


@click.group()
def catalog() -> None:
    """Metrics, products and rate cards."""


@catalog.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_session
def load(session: Session, file: Path) -> None:
    """Bring the catalogue to what FILE says; loading it again changes nothing.

    Deals that were parked for something the catalogue lacked are mapped again at the next run.
    """
    from closedwon.store.database import writing
    from closedwon.wiring.app import CATALOG_CODES
    from closedwon.wiring.catalog import load_catalog, read_catalog

    app = session.app
    with writing(app.db):
        found = load_catalog(app.engine, read_catalog(file), session.now)
        again = app.store.deals.parked_for(CATALOG_CODES, "map")
    click.echo(
        f"{found.metrics} metrics, {found.products} products, {found.rate_cards} rate cards"
        + (f"; {again} parked deals try again" if again else "")
    )


@catalog.command("list")
@output_options
@pass_session
def list_(session: Session, format_: str, output: Path | None) -> None:
    """Every product with its newest definition."""
    rows = [
        {
            "product": product.id,
            "name": product.name,
            "type": product.type.value,
            "tags": list(product.versions[-1].tags),
            "metric": product.versions[-1].metric_id,
        }
        for product in session.app.engine.catalog().products.values()
    ]
    show(rows, format_, output)
