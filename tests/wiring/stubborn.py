"""A daemon with a job that never ends: told to stop, it leaves, and no half is left behind.

Run as a program: ``stubborn.py STATE_DIR``. Each transaction moves one unit from a to b in two
statements, so a cut inside one would show.
"""

import sys
from pathlib import Path

from closedwon.daemon import Job, configure_logs
from closedwon.daemon import daemon as scheduler
from closedwon.settings import load_settings
from closedwon.store.database import open_database, writing
from closedwon.wiring import system_clock
from closedwon.wiring.jobs import Runner

scheduler.STOP_WITHIN_S = 0.3


def main(state: Path) -> None:
    """Be that daemon."""
    configure_logs("ERROR")
    runner = Runner(load_settings(state_dir=state, http_port=0), system_clock, lambda _: None)

    def forever() -> None:
        db = open_database(runner._settings.state_file)
        with writing(db):
            db.conn.execute("create table if not exists purse (name text, units integer)")
            db.conn.execute("insert into purse values ('a', 0), ('b', 0)")
        sys.stdout.write("running\n")
        sys.stdout.flush()
        while True:
            with writing(db):
                db.conn.execute("update purse set units = units - 1 where name = 'a'")
                db.conn.execute("update purse set units = units + 1 where name = 'b'")

    runner.daemon._jobs = (Job(name="line", run=forever, every_s=60),)
    runner.run(lambda _port: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
