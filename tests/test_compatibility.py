"""docs/compatibility.md is true: every method and every endpoint, each with a test."""

import compatibility


def test_the_page_is_what_the_sdk_the_routes_and_the_tests_say() -> None:
    assert compatibility.PAGE.read_text(encoding="utf-8") == compatibility.page(), "make docs"


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
