"""docs/rules.md is true, and no rule is without code or test."""

import re

import rules
from rules import ROOT, missing, titles

ROW = re.compile(r"^\| R(\d+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
NAME = re.compile(r"`([^`]+)`")


def test_every_rule_has_code_and_a_test_named_for_it() -> None:
    assert missing() == ([], [])
    assert len(titles()) == 316


def test_the_page_has_a_row_for_every_rule_and_names_only_what_is_there() -> None:
    """What was added since is for ``make docs``; what is gone would be a lie."""
    in_code, in_tests, named = rules.code(), rules.tests(), titles()
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = {int(number): rest for number, *rest in ROW.findall(page)}

    assert {number: title for number, (title, *_) in rows.items()} == named
    for number, (_, files, checks) in rows.items():
        known = {name.split("::")[1] for name in in_tests[number]}
        assert set(NAME.findall(files)) <= set(in_code[number]), (number, "make docs")
        assert set(NAME.findall(checks)) <= known, (number, "make docs")
