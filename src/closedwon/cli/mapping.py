"""``mapping``: check, test and try mapping files."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from closedwon.cli.session import Session, exit_with, pass_session

if TYPE_CHECKING:
    from closedwon.deals.mapping import DealMapping, FixtureOutcome

OFFLINE = click.option(
    "--offline", is_flag=True, help="Check against the shipped CPQ schema instead of the org."
)
FILE = click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@click.group()
def mapping() -> None:
    """Check, test and try mapping files."""


@mapping.command()
@FILE
@OFFLINE
@pass_session
def lint(session: Session, file: Path | None, *, offline: bool) -> None:
    """Check every name, formula and rule; without FILE the mapping in use.

    Exits 2 when the file cannot be used, 1 when a finding is an error and not only a warning.
    """
    from closedwon.deals.mapping import lint as findings_of
    from closedwon.deals.types import Severity

    loaded = _loaded(session, file, offline=offline)
    found = findings_of(loaded)
    for finding in found:
        kind = "error" if finding.severity is Severity.PARK else "warning"
        click.echo(
            f"{finding.place}: {kind} [{finding.code}] {finding.message}. Fix: {finding.fix}"
        )
    click.echo(f"{loaded.file}: {len(loaded.rules)} rules, {len(found)} findings", err=True)
    exit_with(1 if any(finding.severity is Severity.PARK for finding in found) else 0)


@mapping.command()
@FILE
@OFFLINE
@pass_session
def test(session: Session, file: Path | None, *, offline: bool) -> None:
    """Run the tests beside the mapping (tests/*.yaml); exits 1 when one fails."""
    failed = 0
    for fixture in _outcomes(session, file, _loaded(session, file, offline=offline)):
        for case in fixture.cases:
            click.echo(f"{'ok    ' if case.passed else 'FAILED'} {case.name}")
            for difference in case.differences:
                click.echo(f"       {difference}")
            failed += not case.passed
    exit_with(1 if failed else 0)


@mapping.command()
@FILE
@OFFLINE
@pass_session
def coverage(session: Session, file: Path | None, *, offline: bool) -> None:
    """Which rules no test reaches; exits 1 when there are any."""
    from closedwon.deals.mapping import coverage as covered

    loaded = _loaded(session, file, offline=offline)
    found = covered(loaded, _outcomes(session, file, loaded))
    for rule in found.fired:
        click.echo(f"tested   {rule}")
    for rule in found.never:
        click.echo(f"untested {rule}")
    exit_with(1 if found.never else 0)


@mapping.command("try")
@click.argument("opportunity")
@pass_session
def try_(session: Session, opportunity: str) -> None:
    """Read one deal from Salesforce now and print what the mapping makes of it; exits 3 if parked.

    Changes nothing.
    """
    import msgspec

    from closedwon.cli.session import PARKED_EXIT
    from closedwon.deals.types import Rejected
    from closedwon.kernel import strict_json

    with session.rehearsal() as app:
        found = app.tried(opportunity, session.now)
    click.echo(strict_json.dumps(msgspec.to_builtins(found, str_keys=True)))
    exit_with(PARKED_EXIT if isinstance(found, Rejected) else 0)


@mapping.command()
@click.argument("opportunity")
@pass_session
def explain(session: Session, opportunity: str) -> None:
    """For each record of a deal, the rule that used or ignored it, and what came of it."""
    from closedwon.deals.types import Rejected

    with session.rehearsal() as app:
        found = app.tried(opportunity, session.now)
    if isinstance(found, Rejected):
        for finding in found.findings:
            where = f"{finding.record_id} {finding.field}".strip()
            click.echo(f"parked  {where}: [{finding.code}] {finding.message}")
            click.echo(f"        {finding.place} fix: {finding.fix}")
        return
    terms = found.contract.terms
    for kind, brought in (
        ("commit", terms.commits),
        ("override", terms.overrides),
        ("charge", terms.charges),
    ):
        for term in brought:
            source = term.source
            if source is not None:
                lines = ", ".join(source.line_ids)
                click.echo(f"used    {lines} -> {kind} {term.id} by {source.rule} ({source.place})")
    for record_id, reason in found.ignored.items():
        click.echo(f"ignored {record_id}: {reason}")
    for finding in found.findings:
        click.echo(f"warning {finding.record_id}: {finding.message}")


def _path(session: Session, file: Path | None) -> Path:
    from closedwon.wiring.places import share

    return file or session.settings.mapping or share() / "mappings" / "cpq.yaml"


def _loaded(session: Session, file: Path | None, *, offline: bool) -> "DealMapping":
    from closedwon.wiring.mappings import builtin_schema, read_mapping

    schema = builtin_schema() if offline else session.app.org.schema
    return read_mapping(_path(session, file), schema)


def _outcomes(session: Session, file: Path | None, loaded: "DealMapping") -> "list[FixtureOutcome]":
    from closedwon.deals.mapping import load_fixture, run_fixture

    files = sorted((_path(session, file).parent / "tests").glob("*.yaml"))
    texts = [(one, one.read_text(encoding="utf-8")) for one in files]
    return [run_fixture(loaded, load_fixture(text, str(one), loaded)) for one, text in texts]
