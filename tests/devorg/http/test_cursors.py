from datetime import timedelta
from typing import Any

from closedwon.devorg.http.cursors import CURSOR_LIFE, Cursors
from closedwon.kernel.ids import id18


def test_a_locator_is_an_18_character_id_of_the_cursor_prefix(clock: Any) -> None:
    cursors = Cursors(clock, 10)
    locators = [cursors.keep("u", [], 0, 200).locator for _ in range(100)]

    assert len({locator[:15] for locator in locators}) == 100
    assert all(locator.startswith("0r8") and id18(locator) == locator for locator in locators)


def test_the_oldest_cursor_of_a_user_is_dropped_for_a_new_one(clock: Any) -> None:
    cursors = Cursors(clock, 2)
    other = cursors.keep("other", [], 0, 200)
    first, second, third = (cursors.keep("u", [], 0, 200) for _ in range(3))

    assert cursors.find("u", first.locator) is None
    assert cursors.find("u", second.locator) == second
    assert cursors.find("u", third.locator) == third
    assert cursors.find("other", other.locator) == other


def test_a_cursor_belongs_to_its_user_and_lives_two_days(clock: Any) -> None:
    cursors = Cursors(clock, 2)
    locator = cursors.keep("u", [], 0, 200).locator

    assert cursors.find("other", locator) is None
    clock.now += CURSOR_LIFE
    assert cursors.find("u", locator) is not None
    clock.now += timedelta(seconds=1)
    assert cursors.find("u", locator) is None
