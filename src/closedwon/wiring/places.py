"""Where closedwon finds what it ships beside its code."""

from pathlib import Path

import closedwon


def share() -> Path:
    """Directory of the shipped ``mappings/``, ``salesforce/`` and ``config/``.

    A checkout has them at its root, an installed wheel inside the package.
    """
    package = Path(closedwon.__file__).parent
    inside = package / "_share"
    return inside if inside.is_dir() else package.parents[1]
