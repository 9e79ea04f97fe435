import pytest

from closedwon.kernel import errors
from closedwon.kernel.errors import ClosedwonError, LimitReached, Refused, RetryLater


def test_an_error_names_its_code_its_message_and_its_facts() -> None:
    told = str(RetryLater("Salesforce did not answer", status=503))

    assert told == "[retry_later] Salesforce did not answer (status=503)"
    assert str(Refused("no")) == "[refused] no"


def test_codes_are_unique_and_exit_codes_are_those_of_the_cli() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ClosedwonError)
    ]

    assert len({kind.code for kind in kinds}) == len(kinds)
    assert {kind.__name__: kind.exit_code for kind in kinds if kind.exit_code != 1} == {
        "ConfigError": 2,
        "AuthFailed": 4,
        "LimitReached": 5,
        "LockHeld": 6,
    }


def test_a_spent_api_limit_is_something_to_retry() -> None:
    with pytest.raises(RetryLater):
        raise LimitReached("half of the day's calls are used")
