"""``demo``: the InfraX story, offline, in under a minute."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-out"),
    show_default=True,
    help="Directory for state and reports; a former demo in it is replaced.",
)
def demo(out: Path) -> None:
    """Three years of a deal on a local Salesforce: closed, billed, renewed, reconciled."""
    from shutil import rmtree

    from closedwon.cli.demo.story import BEGIN, tell
    from closedwon.cli.demo.world import opened

    marker = out / ".closedwon-demo"
    if out.exists() and any(out.iterdir()) and not marker.exists():
        raise click.UsageError(f"{out} holds something else; name another directory with --out")
    rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    marker.touch()
    with opened(out / "state", BEGIN) as world:
        tell(world, out)
