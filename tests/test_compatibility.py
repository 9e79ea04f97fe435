"""docs/compatibility.md is true: every method and every endpoint, each with a test."""

import re

import compatibility

NAME = re.compile(r"`(test_\w+)`")


def test_the_page_says_of_every_method_what_its_cases_say() -> None:
    written, made = (
        text.partition(compatibility.OTHERS)[0]
        for text in (compatibility.PAGE.read_text(encoding="utf-8"), compatibility.page())
    )

    assert written == made, "make docs"


def test_the_page_has_every_other_endpoint_and_names_only_tests_there_are() -> None:
    """What was added since is for ``make docs``; what is gone would be a lie."""
    page = compatibility.PAGE.read_text(encoding="utf-8").partition(compatibility.OTHERS)[2]
    rows = dict(row.removeprefix("| ").split(" | ", 1) for row in page.splitlines())
    known = compatibility.tried_by()

    assert rows.keys() == known.keys(), "make docs"
    for endpoint, row in rows.items():
        assert set(NAME.findall(row)) <= known[endpoint], (endpoint, "make docs")


def test_every_method_of_the_sdk_has_a_route() -> None:
    known = compatibility.routes()

    missing = [
        one.name
        for one in compatibility.methods()
        if (one.verb, compatibility.shape_of(one.path)) not in known
    ]
    assert missing == []


def test_every_endpoint_beside_the_sdk_is_tried_by_a_test() -> None:
    assert compatibility.untried() == []
