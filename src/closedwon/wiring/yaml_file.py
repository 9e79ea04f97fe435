"""YAML that people write, read as text throughout so that amounts keep their digits."""

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from closedwon.kernel.errors import ConfigError

T = TypeVar("T")


def read(path: Path, kind: type[T], what: str) -> T:
    """The file as a ``kind``; raises ConfigError with the file and the place in it."""
    try:
        text = path.read_text(encoding="utf-8")
        return msgspec.convert(
            yaml.load(text, Loader=yaml.CBaseLoader),  # noqa: S506 - builds text, lists and dicts
            kind,
            strict=False,
        )
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError(f"{place}: {error.problem}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the {what} {path}: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
