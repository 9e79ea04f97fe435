"""``docs``: the generated pages under ``docs/``; hidden, for people who change closedwon."""

from pathlib import Path

import click

from closedwon.cli.session import exit_with


@click.command(hidden=True)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs"),
    show_default=True,
    help="Directory the pages go to.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a page is not up to date.")
def docs(out: Path, *, check: bool) -> None:
    """Write the pages that follow from the source: settings, errors, commands, formulas."""
    from closedwon.cli.docs.pages import pages

    stale = 0
    for name, text in pages().items():
        file = out / name
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if check:
            click.echo(f"{file} is not up to date; run `make docs`")
            continue
        out.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        click.echo(f"wrote {file}", err=True)
    exit_with(1 if check and stale else 0)
