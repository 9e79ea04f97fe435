from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedwon.deals.mapping.document import (
    CHARACTERS_MAX,
    DEPTH_MAX,
    Scalar,
    Sequence,
    Table,
    parse,
)
from closedwon.deals.mapping.problems import MappingError, Spot


def problems(text: str) -> list[str]:
    with pytest.raises(MappingError) as caught:
        parse(text, "m.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "written",
    ["NO", "1.10", "010", "12:30:45", "2024-01-31", "0x1F", "1_000", "yes", ".5", "1e3", "=1+1"],
)
def test_a_plain_scalar_is_the_text_that_was_written(written: str) -> None:
    node = parse(f"key: {written}", "m.yaml")

    assert isinstance(node, Table)
    value = node.get("key")
    assert isinstance(value, Scalar)
    assert value.text == written


def test_every_node_knows_its_line_and_column() -> None:
    node = parse('a: 1\nb:\n  - "x"\n  - |\n    two\n    lines\n', "m.yaml")

    assert isinstance(node, Table)
    listed = node.get("b")
    assert isinstance(listed, Sequence)
    quoted, block = listed.nodes
    assert quoted.spot == Spot("m.yaml", 3, 6)
    assert isinstance(block, Scalar)
    assert (block.spot, block.indent) == (Spot("m.yaml", 5, 5), 4)


def test_nothing_written_is_not_the_empty_text() -> None:
    node = parse('a:\nb: ~\nc: null\nd: ""\n', "m.yaml")

    assert isinstance(node, Table)
    blank = [entry.value.is_blank for entry in node.entries if isinstance(entry.value, Scalar)]
    assert blank == [True, True, True, False]


def test_a_key_written_twice_is_refused_with_both_lines() -> None:
    assert problems("a: 1\nb: 2\na: 3\n") == [
        "m.yaml:3:1: found key 'a' again, expected it once (first on line 1)"
    ]


def test_all_anchors_aliases_and_tags_are_refused_at_once() -> None:
    found = problems("a: &x 1\nb: *x\nc: !!str 2\n")

    assert [line.split(": ")[0] for line in found] == ["m.yaml:1:4", "m.yaml:2:4", "m.yaml:3:4"]


def test_a_tab_and_a_broken_bracket_name_their_place() -> None:
    assert problems("a:\n\tb: 1\n")[0].startswith("m.yaml:2:1: found ")
    assert problems("a: [1, 2\nb: 3\n")[0].startswith("m.yaml:2:2: found ")


def test_an_alias_bomb_is_refused_before_it_is_built() -> None:
    levels = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]

    assert "an anchor or alias" in problems("\n".join(levels))[0]


def test_depth_and_size_are_limited() -> None:
    deep = "[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1)

    assert f"at most {DEPTH_MAX} levels" in problems(deep)[0]
    assert "at most" in problems("#" * (CHARACTERS_MAX + 1))[0]


def test_an_empty_file_two_documents_and_structured_keys_are_refused() -> None:
    assert "an empty file" in problems("")[0]
    assert problems("a: 1\n---\nb: 2\n")
    assert "a structured key" in problems("? [a, b]\n: 1\n")[0]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab:- \n[]{}'\"|>&*!#\t0.", max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with suppress(MappingError):
        assert parse(text, "m.yaml").spot.line >= 1
