"""SHELF: the functions of the language, one file per kind; they do not know each other."""

from typing import Final

from closedwon.formula.functions import dates, logic, numbers, texts

FUNCTIONS: Final = {
    function.name: function
    for function in (*logic.FUNCTIONS, *numbers.FUNCTIONS, *texts.FUNCTIONS, *dates.FUNCTIONS)
}
