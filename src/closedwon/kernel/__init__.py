"""Floor 0, pure: instants, calendars, exact decimals, ids, strict JSON, errors.

Nothing here reads a clock, a file or the environment.
"""
