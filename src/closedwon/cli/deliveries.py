"""``deliveries``: webhooks and invoices on their way, and those that were given up."""

from pathlib import Path

import click

from closedwon.cli.output import output_options, show
from closedwon.cli.session import Session, pass_session

STATES = ("waiting", "sent", "done", "given_up")


@click.group()
def deliveries() -> None:
    """Webhooks and invoices on their way out, and those that were given up."""


@deliveries.command("list")
@click.option("--state", "wanted", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True)
@output_options
@pass_session
def list_(
    session: Session, wanted: str | None, limit: int, format_: str, output: Path | None
) -> None:
    """Newest first. `sent` is a call whose outcome is not known; it is made again by itself."""
    from closedwon.store.outbox import EffectState

    state = None if wanted is None else EffectState(wanted)
    rows = [
        {
            "id": effect.id,
            "kind": effect.kind,
            "target": effect.target,
            "state": effect.state.value,
            "attempts": effect.attempts,
            "created_at": effect.created_at,
            "due_at": effect.due_at,
            "error": effect.last_error,
        }
        for effect in session.app.engine.stores.outbox.all(state, limit)
    ]
    show(rows, format_, output)


@deliveries.command()
@click.argument("ids", nargs=-1, required=True)
@pass_session
def release(session: Session, ids: tuple[str, ...]) -> None:
    """Let deliveries that were given up be tried for another 48 hours."""
    from closedwon.kernel.errors import NotFound
    from closedwon.store.database import writing

    outbox = session.app.engine.stores.outbox
    for effect_id in ids:
        with writing(session.app.db):
            if not outbox.release(effect_id, session.now):
                raise NotFound("no delivery of this id was given up", id=effect_id)
        click.echo(f"released {effect_id}: sent again by the next run")
