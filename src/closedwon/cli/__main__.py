"""``python -m closedwon.cli``."""

from closedwon.cli import main

main(prog_name="closedwon")
