"""The settings page, from the fields of Settings."""

from collections.abc import Iterator, Mapping
from datetime import datetime, time
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from closedwon.cli.docs.tables import table
from closedwon.kernel.errors import InvariantBroken
from closedwon.settings import CONFIG_VARIABLE, FILES, PREFIX, SECRETS_VARIABLE, Settings

WORDS = {
    bool: "true or false",
    int: "number",
    str: "text",
    Path: "path",
    SecretStr: "secret",
    time: "time of day, UTC",
    datetime: "instant with its zone",
}


def settings_page() -> Iterator[str]:
    """Where settings come from, and a row for each."""
    yield f"The setting `state_dir` is the variable `{PREFIX}STATE_DIR`, or the line"
    yield '`state_dir = "..."` of a configuration file. The first of these wins:'
    yield ""
    yield "1. an option of the command line (`--state` for `state_dir`),"
    yield f"2. a variable `{PREFIX}...`,"
    yield f"3. a file `{PREFIX.lower()}<setting>` in the secrets directory, which"
    yield f"   `{SECRETS_VARIABLE}` names, else systemd's `LoadCredential`,"
    files = ", ".join(f"`{name}`" for name in FILES)
    yield f"4. the file named by `--config` or `{CONFIG_VARIABLE}`, else {files} here,"
    yield "5. the default."
    yield ""
    yield "A name that is no setting is an error. Secrets are never printed, logged or stored."
    yield ""
    yield from table(
        ("setting", "value", "default", "meaning"),
        (
            (f"`{name}`", _value(field), _default(field.default), str(field.description))
            for name, field in Settings.model_fields.items()
        ),
    )


def _value(field: FieldInfo) -> str:
    text = _word(field.annotation)
    for bound, word in (("ge", "at least"), ("le", "at most")):
        for limit in field.metadata:
            if hasattr(limit, bound):
                text += f", {word} {getattr(limit, bound)}"
    return text


def _word(kind: Any) -> str:
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{word}`" for word in parts)
    if get_origin(kind) is tuple:
        return f"list ({_word(parts[0])})"
    if get_origin(kind) is Mapping:
        return f"names, each with {_word(parts[1])}"
    if get_origin(kind) is UnionType:
        return _word(next(part for part in parts if part is not type(None)))
    for known, word in WORDS.items():
        if isinstance(kind, type) and issubclass(kind, known):
            return word
    if getattr(kind, "__name__", "") == "AwareDatetime":
        return WORDS[datetime]
    raise InvariantBroken(f"the settings page has no word for {kind}")


def _default(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value in (None, "", (), {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
