"""The generated pages: complete in both directions, and told when they are stale."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from closedwon.cli import main
from closedwon.cli.docs.codes import Found, source_codes
from closedwon.cli.docs.pages import pages
from closedwon.kernel.errors import Conflict, InvariantBroken, NotFound, Refused
from closedwon.settings import Settings


def _docs(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(main, ["docs", *words])
    return found.exit_code, found.output


def test_pages_are_written_once_and_then_up_to_date(tmp_path: Path) -> None:
    out = tmp_path / "docs"

    assert _docs("--out", str(out), "--check")[0] == 1
    assert not out.exists()
    assert _docs("--out", str(out))[0] == 0
    assert {file.name for file in out.iterdir()} == set(pages())
    assert _docs("--out", str(out), "--check") == (0, "")
    assert _docs("--out", str(out)) == (0, "")


def test_a_stale_page_is_named_and_left_alone(tmp_path: Path) -> None:
    _docs("--out", str(tmp_path))
    page = tmp_path / "errors.md"
    page.write_text("old\n")

    code, told = _docs("--out", str(tmp_path), "--check")

    assert (code, page.read_text()) == (1, "old\n")
    assert "errors.md is not up to date; run `make docs`" in told


def test_every_setting_has_a_row_with_its_limits() -> None:
    rows = [line for line in pages()["settings.md"].splitlines() if line.startswith("| `")]

    assert len(rows) == len(Settings.model_fields)
    assert any("`http_port` | number, at least 0, at most 65535 | `8080`" in row for row in rows)
    assert "SecretStr" not in "".join(rows)


def test_every_command_and_subcommand_shows_its_help_but_hidden_ones() -> None:
    page = pages()["cli.md"]

    for command in ("backfill", "mapping lint", "org serve", "report"):
        assert f"### closedwon {command}\n" in page
    assert "closedwon docs" not in page


CODES = """
HOLD = "from_a_constant"
class Broken(Exception):
    code = "of_a_class"
class Worse(Broken):
    code: ClassVar[str] = "of_a_typed_class"
def stop(self, code: str, message: str): ...
def use(error, flag):
    Finding(code="by_keyword", message="not a code")
    self.stop("by_position", "not a code either")
    stop("one" if flag else "other", "")
    Finding(code=HOLD)
    Finding(code=f"family_{error.code}")
    Finding(code=error.code)
    stop(code="UNKNOWN_EXCEPTION")
    begin("no code: the function takes none")
"""


def test_codes_are_found_however_they_are_given(tmp_path: Path) -> None:
    (tmp_path / "room.py").write_text(CODES)

    found = source_codes(tmp_path)

    assert [one.code for one in found] == [
        "by_keyword", "by_position", "family_*", "from_a_constant", "of_a_class",
        "of_a_typed_class", "one", "other",
    ]  # fmt: skip
    assert found[0] == Found("by_keyword", "room.py")


def test_a_code_that_cannot_be_read_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "room.py").write_text('Finding(code="a" + "b")\n')

    with pytest.raises(InvariantBroken, match=r"room.py:1: 'a' \+ 'b' is no code"):
        source_codes(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("      no_rule:\n", "      no_such_rule:\n", "no_rule"),
        ("    WEEKDAY: ", "    WEEKNIGHT: ", "WEEKDAY"),
        ("  10: With", "  11: With", "10"),
    ],
)
def test_what_is_in_use_and_not_explained_stops_the_pages(
    old: str, new: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from closedwon.cli.docs import pages as module

    text = module.MEANINGS.read_text(encoding="utf-8")
    assert text.count(old) == 1
    broken = tmp_path / "meanings.yaml"
    broken.write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(module, "MEANINGS", broken)

    with pytest.raises(InvariantBroken, match=told):
        module.pages()


@pytest.mark.parametrize("kind", [Refused, NotFound, Conflict])
def test_every_refusal_of_billing_has_a_meaning_as_what_parks_a_plan(kind: type[Refused]) -> None:
    assert f"| `billing_{kind.code}` | " in pages()["errors.md"]


@pytest.mark.parametrize("code", ["retired_code", "billing_retired"])
def test_a_meaning_that_nothing_gives_stops_the_pages(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from closedwon.cli.docs import pages as module

    text = module.MEANINGS.read_text(encoding="utf-8")
    extra = f"      {code}: {{means: gone, fix: none}}\n      no_rule:\n"
    broken = tmp_path / "meanings.yaml"
    broken.write_text(text.replace("      no_rule:\n", extra), encoding="utf-8")
    monkeypatch.setattr(module, "MEANINGS", broken)

    with pytest.raises(InvariantBroken, match=rf"that nothing gives: \{{'{code}'\}}"):
        module.pages()
