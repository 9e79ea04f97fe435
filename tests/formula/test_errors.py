"""Every error says what, where, what was expected, and the nearest valid name."""

import pytest

from closedwon.formula import EvaluationError, FormulaError, Place, Scope, compile_formula
from closedwon.kernel.errors import ConfigError, Refused
from formula.quote_lines import LINE, ORG, compiled, refusal, value

LINES = {"lines": LINE}
SNAPSHOTS = [
    # formula, column, message after the place
    ("", 1, "this cannot stand here; found end of the formula; expected a field, a value, a function or ("),
    ("1 +", 4, "this cannot stand here; found end of the formula; expected a field, a value, a function or ("),
    ("1 2", 3, "this cannot stand here; found '2'; expected an operator or the end of the formula"),
    ("(1", 3, "this cannot stand here; found end of the formula; expected an operator or )"),
    ("ABS(1", 6, "this cannot stand here; found end of the formula; expected an operator, a comma or )"),
    ("ABS(1,)", 7, "this cannot stand here; found ')'; expected a field, a value, a function or ("),
    ("'open", 1, "a text without end; expected a closing '"),
    ('"open', 1, 'a text without end; expected a closing "'),
    ("1 /* open", 3, "a comment without end; expected */"),
    ("TRUE | FALSE", 6, "a character with no meaning here; found '|'; expected ||"),
    ("10%", 3, "a character with no meaning here; found '%'; expected a plain number: 10% is 10 / 100"),
    ("1 # 2", 3, "a character with no meaning here; found '#'"),
    (r"'a\qb'", 3, r"unknown escape; found '\\q'; expected one of \\ \' \" \n \r \t"),
    ("1" * 31, 1, f"a number of too many digits; found {'1' * 31}"),
    ("Nmae", 1, f"{LINE} has no field Nmae; did you mean Name?"),
    ("sbqq__quantity__c", 1, f"{LINE} has no field sbqq__quantity__c; did you mean SBQQ__Quantity__c?"),
    ("Zzz", 1, f"{LINE} has no field Zzz"),
    ("SBQQ__Quote__r.Start", 16, "SBQQ__Quote__c has no field Start"),
    ("SBQQ__Quote__r.SBQQ__StartDat__c", 16, "SBQQ__Quote__c has no field SBQQ__StartDat__c; did you mean SBQQ__StartDate__c?"),
    ("SBQQ__Quote__c.Id", 1, f"{LINE} has no relationship SBQQ__Quote__c; did you mean SBQQ__Quote__r?"),
    ("Owner.Emial", 7, "Group or User has no field Emial; did you mean Email?"),
    ("Lost__r.Name", 1, "Lost__r leads to Nowhere__c, which is not described"),
    ("a.b.c.d.e.f.g", 1, "the path is too long; expected 5 relationships at most"),
    ("Place__c", 1, "Place__c is of type address, which formulas cannot use"),
    ("IFF(TRUE, 1, 2)", 1, "there is no function IFF; did you mean IF?"),
    ("POWER(2, 3)", 1, "there is no function POWER; expected the ^ operator"),
    ("IF(TRUE, 1)", 1, "wrong number of arguments for IF; found 2; expected IF(condition, then, otherwise)"),
    ("ABS(1, 2)", 1, "wrong number of arguments for ABS; found 2; expected ABS(number)"),
    ("SUM(lines, 1, TRUE, 2)", 1, "wrong number of arguments for SUM; found 4; expected SUM(collection, number [, condition])"),
    ("CASE(1, 1, 2, 3, 4)", 1, "CASE needs a last argument for everything else; expected CASE(subject, value, result [, value, result]..., otherwise)"),
    ("CASE(1, 'a', 2, 3)", 9, "the values CASE compares must all have one type; found text; expected number (VALUE turns text into a number)"),
    ("CASE(1, NULL, 2, 3)", 9, "CASE cannot compare this; found blank"),
    ("CASE(SPLIT('a', ';'), SPLIT('a', ';'), 1, 2)", 23, "CASE cannot compare this; found list of text"),
    ("IF(TRUE, 1, 'x')", 13, "the results of IF must all have one type; found text; expected number (VALUE turns text into a number)"),
    ("IF(Name, 1, 2)", 4, "wrong type for argument 1 of IF; found text; expected boolean"),
    ("ISBLANK(SBQQ__Optional__c)", 9, "wrong type for argument 1 of ISBLANK; found boolean; expected number or text or date or datetime or list of text or blank"),
    ("Name & SBQQ__Quantity__c", 8, "wrong type for argument 2 of &; found number; expected text (TEXT turns it into text)"),
    ("SBQQ__Optional__c && 1", 22, "wrong type for argument 2 of &&; found number; expected boolean"),
    ("-Name", 2, "wrong type after -; found text; expected number (VALUE turns text into a number)"),
    ("!SBQQ__Quantity__c", 2, "wrong type after !; found number; expected boolean"),
    ("SBQQ__Quantity__c + Name", 19, "+ cannot join these types; found number + text; expected number + date or number + datetime or number + number (VALUE turns text into a number)"),
    ("CreatedDate > SBQQ__StartDate__c", 13, "> cannot join these types; found datetime > date; expected datetime > datetime (DATETIMEVALUE turns it into a datetime)"),
    ("SBQQ__StartDate__c = CreatedDate", 20, "= cannot join these types; found date = datetime; expected date = date (DATEVALUE turns it into a date)"),
    ("SBQQ__Optional__c < TRUE", 19, "< cannot join these types; found boolean < boolean; expected boolean < boolean"),
    ("SPLIT(Name, ';') = SPLIT(Name, ';')", 18, "= cannot join these types; found list of text = list of text"),
    ("SPLIT(Name, ';') + 1", 18, "+ cannot join these types; found list of text + number"),
    ("Name = NULL", 6, "a comparison with NULL is never true; expected ISBLANK(...)"),
    ("2 * 3 ^ 2", 3, "^ beside * is read in two ways; expected parentheses that say which comes first"),
    ("2 ^ 3 * 2", 7, "^ beside * is read in two ways; expected parentheses that say which comes first"),
    ("2 ^ 3 ^ 2", 7, "^ beside ^ is read in two ways; expected parentheses that say which comes first"),
    ("-2 ^ 2", 4, "^ beside - is read in two ways; expected parentheses that say which comes first"),
    ("lines", 1, "lines is a collection of rows; expected FIRST(lines, ...) or another function over its rows"),
    ("lines.Name", 1, "lines is a collection of rows; expected FIRST(lines, Name) or another function over its rows"),
    ("SUM(lnes, Name)", 5, "SUM needs a collection first; found lnes; expected SUM(collection, number [, condition]) with one of lines; did you mean lines?"),
    ("SUM()", 1, "SUM needs a collection first; expected SUM(collection, number [, condition]) with one of lines"),
    ("SUM(lines)", 1, "wrong number of arguments for SUM; found 1; expected SUM(collection, number [, condition])"),
    ("SUM(lines, Name)", 12, "wrong type for argument 2 of SUM; found text; expected number (VALUE turns text into a number)"),
    ("SUM(lines, SBQQ__Quantity__c, 1)", 31, "wrong type for argument 3 of SUM; found number; expected boolean"),
    ("SUM(lines, COUNT(lines))", 12, "COUNT cannot stand inside a function over lines"),
    ("MIN(Name)", 5, "wrong type for argument 1 of MIN; found text; expected number (VALUE turns text into a number)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "message"), SNAPSHOTS)
def test_a_wrong_formula_is_told_with_its_column(text: str, column: int, message: str) -> None:
    error = refusal(text, collections=LINES)

    assert str(error) == f"[formula] <formula>:1:{column}: {message}"


def test_an_aggregate_without_any_collection_says_what_it_needs() -> None:
    assert refusal("SUM(lines, 1)").expected == "SUM(collection, number [, condition])"


def test_an_error_carries_its_parts() -> None:
    error = refusal("1 +\n\tNmae", place=Place("mappings/cpq.yaml", 41, 7, indent=4))

    assert isinstance(error, ConfigError)
    assert (error.line, error.column) == (42, 6)
    assert str(error.place) == "mappings/cpq.yaml:42:6"
    assert error.nearest == "Name"
    assert error.found == error.expected == ""
    assert error.caret == "\tNmae\n\t^"


def test_the_caret_shows_one_line_of_several() -> None:
    error = refusal("IF(SBQQ__Optional__c,\n  'a',\n  2)")

    assert error.caret == "  2)\n  ^"
    assert refusal("Nmae +\n1").caret == "Nmae +\n^"


def test_columns_on_the_first_line_count_from_the_place() -> None:
    error = refusal("1 + Nmae", place=Place("cpq.yaml", 3, 20))

    assert (error.line, error.column) == (3, 24)


def test_an_undescribed_object_is_named() -> None:
    with pytest.raises(FormulaError, match=r"object Oportunity is not described; did you mean Opp"):
        compile_formula("1", "Oportunity", ORG)
    with pytest.raises(FormulaError, match="object Row__c is not described"):
        compile_formula("1", LINE, ORG, collections={"rows": "Row__c"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(" * 60 + "1" + ")" * 60, "60 levels at most"),
        ("-" * 60 + "1", "60 levels at most"),
        ("+".join(["1"] * 61), "60 levels at most"),
        ("ABS(" * 60 + "1" + ")" * 60, "60 levels at most"),
        ("MAX(" + ",".join(["1"] * 2_000) + ")", "2000 at most"),
        ("'" + "a" * 10_000 + "'", "at most 10000"),
    ],
)
def test_every_size_has_a_limit(text: str, expected: str) -> None:
    assert refusal(text).expected == expected


def test_what_lies_within_the_limits_is_taken() -> None:
    assert value("(" * 59 + "1" + ")" * 59) == 1
    assert value("+".join(["1"] * 60)) == 60
    assert value(" && ".join(["TRUE"] * 900)) is True
    assert value(" & ".join(["'x'"] * 900)) == "x" * 900


def test_a_value_that_cannot_be_computed_names_place_and_record() -> None:
    formula = compiled("1 +\n 2 / SBQQ__Quantity__c", place=Place("cpq.yaml", 8, 3, indent=2))

    with pytest.raises(EvaluationError) as caught:
        formula.evaluate({"Id": "a0kHs000000017LIAQ", "SBQQ__Quantity__c": 0})

    assert isinstance(caught.value, Refused)
    assert str(caught.value) == (
        "[formula_value] cpq.yaml:9:6: division by zero (record=a0kHs000000017LIAQ)"
    )


def test_a_wrong_child_row_is_the_record_that_is_named() -> None:
    formula = compiled("SUM(lines, 1 / SBQQ__Quantity__c)", collections=LINES)
    rows = [{"Id": "one", "SBQQ__Quantity__c": 1}, {"Id": "two", "SBQQ__Quantity__c": 0}]

    with pytest.raises(EvaluationError) as caught:
        formula.evaluate({"Id": "root"}, Scope(children={"lines": rows}))

    assert caught.value.facts == {"record": "two"}


def test_a_record_without_an_id_is_not_named() -> None:
    with pytest.raises(EvaluationError) as caught:
        value("1 / 0")

    assert caught.value.facts == {}
