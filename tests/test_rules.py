"""docs/rules.md is true, and no rule is without code or test."""

from rules import ROOT, missing, page, titles


def test_every_rule_has_code_and_a_test_named_for_it() -> None:
    assert missing() == ([], [])
    assert len(titles()) == 316


def test_the_page_is_what_code_and_tests_say() -> None:
    found = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")

    assert found == page(), "run make docs"
