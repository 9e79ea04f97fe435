"""Floor 7: one file per noun; no logic, prints what lower floors return.

Exit codes: 0 done or nothing to do; 1 failed; 2 usage or configuration; 3 finished with parked
records; 4 authentication or permission; 5 API limit reached, resumable; 6 another process runs the
line; 10 with ``--detailed-exitcode`` when there are changes or exceptions.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from closedwon.cli.session import Session
from closedwon.kernel.errors import ClosedwonError

COMMANDS = {
    "apply": "plan:apply",
    "audit": "audit:audit",
    "backfill": "backfill:backfill",
    "balance": "balance:balance",
    "catalog": "catalog:catalog",
    "contracts": "contracts:contracts",
    "deals": "deals:deals",
    "deliveries": "deliveries:deliveries",
    "demo": "demo.command:demo",
    "docs": "docs:docs",
    "doctor": "doctor:doctor",
    "explain": "explain:explain",
    "invoices": "invoices:invoices",
    "ledger": "ledger:ledger",
    "mapping": "mapping:mapping",
    "org": "org:org",
    "parked": "parked:parked",
    "plan": "plan:plan",
    "providers": "providers:providers",
    "push": "push:push",
    "rebuild": "rebuild:rebuild",
    "report": "report:report",
    "run": "run:run",
    "salesforce": "salesforce:salesforce",
    "serve": "serve:serve",
    "status": "status:status",
    "sync": "sync:sync",
    "target": "target:target",
    "token": "token:token",
    "trace": "trace:trace",
    "usage": "usage:usage",
    "whatif": "whatif:whatif",
}
"""Command -> ``module:function`` in this package, imported when the command is used."""


class Commands(click.Group):
    """Loads a command's file only when it is needed, and turns our errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in alphabetical order."""
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None when there is none of that name."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = place.partition(":")
        command: click.Command = getattr(import_module(f"closedwon.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; one of our errors is told on stderr and ends with its exit code."""
        try:
            return super().invoke(ctx)
        except ClosedwonError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        finally:
            if isinstance(ctx.obj, Session):
                ctx.obj.close()


@click.group(cls=Commands)
@click.version_option(package_name="closedwon")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration file; closedwon.toml or closedwon.yaml here when not given.",
)
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="State directory.")
@click.pass_context
def main(ctx: click.Context, config: Path | None, state: Path | None) -> None:
    """Closed-won deals become billed contracts; balances return to Salesforce."""
    session = ctx.ensure_object(Session)
    session.given(config, state)
