"""Dry runs: the same application over a copy of the state, thrown away afterwards."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from closedwon.formula.schema import Schema
from closedwon.settings import Settings
from closedwon.store.database import close, open_database
from closedwon.wiring.app import App
from closedwon.wiring.delivery import NOTHING_DELIVERED


@contextmanager
def rehearsal(
    settings: Settings,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    schema: Schema | None = None,
) -> Iterator[App]:
    """An application that starts where the state is and changes nothing of it.

    Nothing is pushed, delivered or sent to a remote target. Usage is not copied: a rehearsal plans
    and applies deals, it does not bill.
    """
    with tempfile.TemporaryDirectory(prefix="closedwon-rehearsal-") as directory:
        alone = {"state_dir": Path(directory), "push_enabled": False}
        alone |= {"target": "embedded", **NOTHING_DELIVERED}
        copy = settings.model_copy(update=alone)
        if settings.state_file.exists():
            _copy(settings.state_file, copy.state_file)
        with App(copy, clock, sleep, schema) as app:
            yield app


def _copy(state: Path, target: Path) -> None:
    """SQLite's own backup: a consistent copy while another process writes."""
    source, copy = open_database(state, read_only=True), open_database(target)
    try:
        source.conn.backup(copy.conn)
    finally:
        close(copy)
        close(source)
