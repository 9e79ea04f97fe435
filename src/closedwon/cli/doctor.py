"""``doctor``: everything that must be right before the line runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from closedwon.cli.session import Session, exit_with, pass_session

if TYPE_CHECKING:
    from closedwon.wiring import App


@click.command()
@click.option("--offline", is_flag=True, help="Leave Salesforce out.")
@pass_session
def doctor(session: Session, *, offline: bool) -> None:
    """Check the machine, the settings, the state, the login, the package and the mapping.

    Exits with the code of the first thing that failed.
    """
    from closedwon.kernel.errors import ClosedwonError

    app = session.app
    checks: list[tuple[str, Callable[[App], str]]] = [("sqlite", _sqlite), ("state", _state)]
    if app.settings.target != "embedded":
        checks.append(("target", _target))
    if not offline:
        checks += [("login", _login), ("package", _package), ("mapping", _mapping)]
    code = 0
    for name, check in checks:
        try:
            click.echo(f"ok     {name}: {check(app)}")
        except ClosedwonError as error:
            click.echo(f"FAILED {name}: {error}")
            code = code or error.exit_code
    exit_with(code)


def _sqlite(_app: "App") -> str:
    """Versions before 3.51.3 have the WAL-reset race; our write lock keeps them safe."""
    import sqlite3

    fixed = (3, 51, 3)
    version = sqlite3.sqlite_version_info
    backported = version[:2] in ((3, 50), (3, 44)) and version[2] >= (7 if version[1] == 50 else 6)
    if version >= fixed or backported:
        return sqlite3.sqlite_version
    return (
        f"{sqlite3.sqlite_version} has the WAL-reset race; closedwon's own lock prevents it, so"
        " let nothing else (sqlite3 shell, replication) write or checkpoint the state file"
    )


def _state(app: "App") -> str:
    from closedwon.kernel.errors import InvariantBroken
    from closedwon.store.database import verify

    found = verify(app.db)
    if found:
        raise InvariantBroken(f"the state file is damaged: {found[0]}", problems=len(found))
    damaged = app.usage.damaged()
    if damaged:
        raise InvariantBroken(f"usage is damaged: {damaged[0]}", problems=len(damaged))
    counts = app.store.deals.check()
    return f"{app.settings.state_file} sound, {counts.seen} deals"


def _target(app: "App") -> str:
    return f"{app.remote_target.check()} answers and bills; our engine is its copy"


def _login(app: "App") -> str:
    org_id = app.org.session.org_id()
    clock = app.org.session.server_now()
    return f"org {org_id}, its clock says {clock:%Y-%m-%d %H:%M:%S}Z"


def _package(app: "App") -> str:
    from closedwon.kernel.errors import ConfigError
    from closedwon.wiring.package import missing

    found = missing(app.org.schema)
    if found:
        raise ConfigError(
            f"the org lacks {len(found)} things of salesforce/, first {found[0]};"
            " `closedwon salesforce schema --check` lists them"
        )
    return "every Meter_* object and field is there"


def _mapping(app: "App") -> str:
    from closedwon.deals.mapping import lint

    newest = app.mappings.newest
    found = lint(newest)
    told = f"; {len(found)} findings, see `closedwon mapping lint`" if found else ""
    return f"{newest.file}, {len(newest.rules)} rules{told}"
