"""Floor 7: one file per noun; no logic, prints what lower floors return."""

import click


@click.group()
@click.version_option(package_name="closedwon")
def main() -> None:
    """Closed-won deals become billed contracts; balances return to Salesforce."""
