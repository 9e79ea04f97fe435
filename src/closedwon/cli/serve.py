"""``serve``: the Metronome HTTP API over this state."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import click

from closedwon.cli.session import Session, pass_session

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--clock",
    "clock_kind",
    type=click.Choice(("system", "manual")),
    default="system",
    show_default=True,
    help="manual: time stands still and POST /closedwon/clock moves it, running what falls due.",
)
@click.option(
    "--now",
    metavar="INSTANT",
    help="Where a manual clock starts; else where it stood, or the time it is.",
)
@click.option("--requests-per-second", default=0, type=click.IntRange(0), help="By token; 0: all.")
@click.option("--tls-certificate", type=FILE, help="PEM chain; needed off loopback.")
@click.option("--tls-key", type=FILE, help="PEM private key.")
@click.option("--insecure", is_flag=True, help="Listen off loopback without TLS.")
@pass_session
def serve(  # noqa: PLR0913 - one argument an option
    session: Session,
    *,
    host: str,
    port: int,
    clock_kind: str,
    now: str | None,
    requests_per_second: int,
    tls_certificate: Path | None,
    tls_key: Path | None,
    insecure: bool,
) -> None:
    """Answer the Metronome HTTP API, until interrupted.

    Software written for Metronome needs another base URL and a token of ``closedwon token create``.
    Invoices are made final, thresholds and alerts watched and webhooks sent here too, while no
    ``closedwon run`` does it on the same state. A manual clock does what falls due when it moves; a
    state it was used on goes on where it stood, and is never billed by the real time.
    """
    from closedwon.api import check_binding
    from closedwon.api import serve as serve_at
    from closedwon.api.serving import listening
    from closedwon.daemon import configure_logs
    from closedwon.wiring.serving import wire

    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key go together")
    if now is not None and clock_kind != "manual":
        raise click.UsageError("--now goes with --clock manual")
    tokens = session.app.engine.stores.tokens.all()
    check_binding(
        host,
        has_tls=tls_certificate is not None,
        insecure=insecure,
        has_token=any(one.revoked_at is None for one in tokens),
    )
    settings, bills, start = session.settings, clock_kind == "system", _instant(now)
    configure_logs(settings.log_level)
    with ExitStack() as stack:
        clock = _real(session) if bills else _manual(session, stack, start)
        session.close()
        application = stack.enter_context(wire(settings, clock, requests_per_second, bills=bills))
        listener = listening(host, port)
        scheme = "https" if tls_certificate else "http"
        click.echo(f"{scheme}://{host}:{listener.getsockname()[1]}")
        click.echo("serving; interrupt to stop", err=True)
        serve_at(application, listener, tls_certificate, tls_key)


def _real(session: Session) -> Callable[[], datetime]:
    from closedwon.wiring.clocks import check_real_time

    check_real_time(session.app.db)
    return session.clock


def _manual(session: Session, stack: ExitStack, start: datetime | None) -> Callable[[], datetime]:
    """A test's clock; while it is served, nobody else writes."""
    from closedwon.wiring.clocks import manual_clock
    from closedwon.wiring.lock import writer_lock

    stack.enter_context(writer_lock(session.settings.state_dir, session.sleep))
    return manual_clock(session.app.db, start, session.now)


def _instant(text: str | None) -> datetime | None:
    from closedwon.kernel.errors import Refused
    from closedwon.kernel.instant import parse_instant

    if text is None:
        return None
    try:
        return parse_instant(text)
    except Refused as error:
        raise click.BadParameter(error.message, param_hint="--now") from error
