"""Data sets that ship with the package; ours, in the records form of seed.py."""
