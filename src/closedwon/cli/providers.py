"""``providers``: customers at billing providers, and which contracts go there."""

import getpass
from pathlib import Path

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, pass_session


@click.group()
def providers() -> None:
    """Customers at billing providers such as Stripe, and which contracts are sent there."""


@providers.command("list")
@click.option("--customer", metavar="ID", help="Only this customer.")
@output_options
@pass_session
def list_(session: Session, customer: str | None, format_: str, output: Path | None) -> None:
    """Every configuration, oldest first, archived ones included."""
    engine = session.app.engine
    customers = (engine.customer(customer),) if customer else engine.customers()
    rows = [
        {
            "configuration": found.id,
            "customer": found.customer_id,
            "provider": found.billing_provider,
            "fields": dict(found.configuration),
            "created_at": found.created_at,
            "archived_at": found.archived_at,
        }
        for one in customers
        for found in engine.stores.providers.of_customer(one.id)
    ]
    show(rows, format_, output)


@providers.command()
@click.argument("customer")
@click.argument("provider")
@click.argument("fields", nargs=-1, metavar="[NAME=VALUE]...")
@pass_session
def add(session: Session, customer: str, provider: str, fields: tuple[str, ...]) -> None:
    """Say who a customer is at a provider: `providers add ID stripe stripe_customer_id=cus_1`.

    Prints the configuration's id; the same again changes nothing.
    """
    from closedwon.engine.providers import configure
    from closedwon.kernel.ids import derive
    from closedwon.kernel.strict_json import canonical_dumps
    from closedwon.store.providers import ProviderConfiguration

    pairs = [field.partition("=") for field in fields]
    if any(not equals for _, equals, _ in pairs):
        raise click.BadParameter("expected NAME=VALUE", param_hint="fields")
    given = {name: text for name, _, text in pairs}
    configuration = ProviderConfiguration(
        id=derive("billing_provider_configuration", customer, provider, canonical_dumps(given)),
        customer_id=customer,
        billing_provider=provider,
        configuration=given,
        created_at=session.now,
    )
    stores = session.app.engine.stores
    configure(stores, configuration, by=getpass.getuser(), now=session.now)
    click.echo(configuration.id)


@providers.command()
@click.argument("contract")
@click.argument("configuration")
@click.option(
    "--at",
    "when",
    type=click.Choice(("current", "next")),
    default="current",
    show_default=True,
    help="Begin with the billing period that runs now, or with the next one.",
)
@pass_session
def assign(session: Session, contract: str, configuration: str, when: str) -> None:
    """Send a contract's invoices to a configuration; final invoices are not sent again."""
    from closedwon.billing.contracts.provider_schedule import EffectiveAt
    from closedwon.engine.contracts import EditNote
    from closedwon.engine.providers import assign as assigned

    engine = session.app.engine
    starts = EffectiveAt(f"START_OF_{when.upper()}_PERIOD")
    note = EditNote(by=getpass.getuser(), now=session.now)
    found = assigned(engine.stores, engine.catalog(), contract, configuration, starts, note)
    for segment in found.settings.providers:
        click.echo(f"{segment.effective_at:%Y-%m-%d %H:%M} {segment.billing_provider}")


@providers.command()
@click.argument("configuration")
@pass_session
def archive(session: Session, configuration: str) -> None:
    """Stop sending invoices to a configuration."""
    from closedwon.engine.providers import archive as archived

    stores = session.app.engine.stores
    archived(stores, configuration, by=getpass.getuser(), now=session.now)
