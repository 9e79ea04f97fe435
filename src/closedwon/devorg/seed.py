"""Data sets in the records form: one JSON object, object name -> list of records."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from closedwon.kernel import strict_json
from closedwon.kernel.errors import ConfigError, Refused

INFRAX = "infrax"
"""Our own set: the InfraX deal, its upsell amendment, contract, subscriptions (salesforce.md 9)."""

Records = Mapping[str, Sequence[Mapping[str, Any]]]


def shipped_records(name: str = INFRAX) -> Records:
    """A data set that ships with the package, ready for ``Org.load_records``."""
    text = files("closedwon.devorg.datasets").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return _checked(text, f"{name}.json")


def file_records(path: Path) -> Records:
    """A data set from a file; raises ConfigError when it is not in the records form."""
    try:
        return _checked(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the data set: {error}", file=str(path)) from error


def _checked(text: str, file: str) -> Records:
    try:
        found = strict_json.loads(text)
    except Refused as error:
        raise ConfigError(f"the data set is no JSON: {error.message}", file=file) from error
    if not isinstance(found, dict):
        raise ConfigError("a data set maps object names to lists of records", file=file)
    for name, rows in found.items():
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ConfigError("expected a list of records", file=file, object=name)
    return found
