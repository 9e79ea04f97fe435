"""Triggers over rows in memory mean what SOQL means."""

from decimal import Decimal

import pytest

from closedwon.crm.files.conditions import compile_condition
from closedwon.kernel.errors import ConfigError

ROW = {
    "IsWon": True,
    "StageName": "Closed Won",
    "Amount": Decimal(100),
    "Text": "7.5",
    "CloseDate": "2024-03-01",
    "Stamp": "2024-03-01T12:00:00.000+0000",
    "Account.Type": "Customer",
    "Quote": None,
}


@pytest.mark.parametrize(
    "text",
    [
        "IsWon = true",
        "isWon = TRUE AND Quote = null",
        "StageName = 'closed won'",
        "StageName != 'Lost' AND Quote != 'x'",
        "Amount >= 100 AND Amount < 100.5 AND Text > 7",
        "CloseDate > 2024-02-29 AND CloseDate <= 2024-03-01",
        "Stamp < 2024-03-01T12:00:01Z",
        "StageName IN ('Lost', 'Closed Won')",
        "StageName NOT IN ('Lost') AND NOT (Amount = 1 OR IsWon = false)",
        "Account.Type = 'Customer' OR Amount = 1",
        "Amount = 1 OR IsWon = true AND Quote = null",
        "NOT Quote > 3",
        "StageName <> 'it\\'s'",
    ],
)
def test_conditions_that_hold(text: str) -> None:
    folded = {name.casefold(): value for name, value in ROW.items()}

    assert compile_condition(text)(lambda path: folded.get(path.casefold()))
    assert not compile_condition(f"NOT ({text})")(lambda path: folded.get(path.casefold()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "IsWon",
        "StageName LIKE 'x%'",
        "Amount > USD100",
        "CloseDate = TODAY",
        "(IsWon = true",
        "a = 1 b = 2",
    ],
)
def test_what_is_not_in_the_subset_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError):
        compile_condition(text)
