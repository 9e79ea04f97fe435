"""SOQL text: quoted values, checked names, bounded length, keyset order."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedwon.crm.salesforce.soql import (
    SOQL_MAX,
    Select,
    after_keys,
    instant_literal,
    lists_of,
    text_literal,
)
from closedwon.kernel.errors import ConfigError, InvariantBroken


def test_a_select_reads_sorted_fields_with_id_first() -> None:
    select = Select(object_name="Account", fields=("Name", "Id", "Owner.Name"), where="Name = 'x'")

    assert select.text() == "SELECT Id, Name, Owner.Name FROM Account WHERE Name = 'x' ORDER BY Id"
    assert "(Name = 'x') AND (Id > 'y')" in select.text("Id > 'y'")


@pytest.mark.parametrize("name", ["Id FROM Account--", "A'", "", "a.b.c.d.e.f.g", "1A"])
def test_a_field_that_is_no_path_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        Select(object_name="Account", fields=(name,), where="Id != null").text()


def test_a_statement_too_long_is_our_bug() -> None:
    with pytest.raises(InvariantBroken):
        Select(object_name="Account", fields=("Id",), where="x" * SOQL_MAX).text()


@given(text=st.text())
def test_a_quoted_text_holds_no_way_out(text: str) -> None:
    inside = text_literal(text)[1:-1]
    bare = inside.replace("\\\\", "").replace("\\'", "")

    assert "'" not in bare
    assert not bare.endswith("\\")
    assert not set("\n\r\t\b\f") & set(inside)


@given(values=st.lists(st.text(min_size=1, max_size=30)), most=st.integers(1, 7))
def test_in_lists_hold_every_value_once_and_fit(values: list[str], most: int) -> None:
    batches = list(lists_of(values, most))

    assert [value for batch in batches for value in batch] == list(dict.fromkeys(values))
    assert all(0 < len(batch) <= most for batch in batches)


def test_long_values_make_short_lists() -> None:
    batches = list(lists_of([f"{n}" * 3000 for n in range(40)], 1000))

    assert len(batches) > 2
    assert all(sum(len(v) for v in batch) < SOQL_MAX / 2 + 3000 for batch in batches)


def test_instants_are_utc_whole_seconds() -> None:
    zone = timezone(timedelta(hours=2))

    assert (
        instant_literal(datetime(2024, 1, 1, 1, 0, 0, 999, tzinfo=zone)) == "2023-12-31T23:00:00Z"
    )


def test_rows_after_a_key_include_ties_with_a_later_id() -> None:
    assert after_keys(("SystemModstamp", "Id"), ("s", "'x'")) == (
        "(SystemModstamp > s) OR (SystemModstamp = s AND Id > 'x')"
    )
