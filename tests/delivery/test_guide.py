"""The receiver of docs/delivery.md does what the page says (R277, R278)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from closedwon.cli import COMMANDS
from closedwon.delivery.signing import signed_headers
from closedwon.settings import Settings
from delivery.delivery_kit import NOW

GUIDE = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text(encoding="utf-8")


def test_r277_r278_the_receiver_of_the_guide(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 our own page
    body = json.dumps({"id": "e1", "type": "invoice.finalized", "properties": {}}).encode()
    headers = signed_headers("correct-horse-battery-staple", body, NOW)
    seen: set[str] = set()

    answers = [names["receive"](headers, sent, NOW, seen) for sent in (body, body, body + b" ")]

    assert answers == [200, 200, 401]
    assert capsys.readouterr().out == "invoice.finalized\n"


def test_settings_and_commands_of_the_guide_exist() -> None:
    named = set(re.findall(r"`((?:webhook|invoice|stripe|deliver)_[a-z_]+)`", GUIDE))
    assert len(named) >= 6
    assert named <= set(Settings.model_fields)
    assert set(re.findall(r"closedwon ([a-z]+)", GUIDE)) <= set(COMMANDS)
