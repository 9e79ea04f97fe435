"""The literals a formula compares fields with."""

from closedwon.formula import Choice, Place, choices
from formula.quote_lines import LINE, compiled


def told(text: str) -> list[tuple[str, str, str, int]]:
    found = choices(compiled(text, collections={"lines": LINE}))
    return [(one.collection, one.path, one.text, one.place.column) for one in found]


def test_every_way_of_comparing_is_seen() -> None:
    assert told("ISPICKVAL(SBQQ__ChargeType__c, 'Usage')") == [
        ("", "SBQQ__ChargeType__c", "Usage", 32)
    ]
    assert told("'Usage' <> SBQQ__ChargeType__c") == [("", "SBQQ__ChargeType__c", "Usage", 1)]
    assert told("TEXT(SBQQ__ChargeType__c) = 'Usage'") == [("", "SBQQ__ChargeType__c", "Usage", 29)]
    assert told("INCLUDES(Regions__c, 'EU')") == [("", "Regions__c", "EU", 22)]
    assert told("CASE(Name, 'a', 'x', 'b', 'y', 'z')") == [
        ("", "Name", "a", 12),
        ("", "Name", "b", 22),
    ]


def test_comparisons_inside_rows_belong_to_the_collection() -> None:
    text = "IF(ANY(lines, !(Name = 'a') && TRUE), MAX(lines, 1, Name = 'b'), MAX(1, LEN(Name)))"

    assert told(text) == [("lines", "Name", "a", 24), ("lines", "Name", "b", 60)]
    assert told("MAX(CASE(Name, 'c', 1, 2), 3)") == [("", "Name", "c", 16)]


def test_what_is_no_comparison_of_a_field_with_a_text_is_left_out() -> None:
    assert told("Name = '' || Name = Id || SBQQ__Quantity__c = 1 || UPPER(Name) = 'A'") == []


def test_a_choice_has_its_true_place() -> None:
    formula = compiled("Name =\n 'a'", place=Place("cpq.yaml", 7, 9, indent=4))

    assert choices(formula) == (Choice("", "Name", "a", Place("cpq.yaml", 8, 6)),)
