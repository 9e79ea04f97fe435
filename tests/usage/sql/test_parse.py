"""What a SQL metric may say, and how anything else is refused (R38)."""

import pytest

from closedwon.kernel.errors import Refused
from closedwon.usage.sql.parse import LENGTH_MAX, query_of

ALLOWED = [
    "SELECT COUNT(*) FROM events",
    "select sum(properties.n) as value from events where event_type = 'call'",
    'SELECT MAX(properties."we/i~rd ""key""") AS value FROM events e WHERE e.properties.x IS NULL',
    "SELECT MIN(properties.n), AVG(properties.n) a FROM events WHERE event_type NOT IN ('a', 'b')",
    "SELECT EARLIEST(properties.n) AS value, LATEST(properties.m, timestamp) AS m FROM events",
    "SELECT COUNT(DISTINCT properties.u) AS value, properties.r AS r FROM events GROUP BY r",
    "SELECT -SUM(properties.n) + 2 * 3.5 / COUNT(*) - 1 AS value FROM events",
    "SELECT SUM(LEAST(properties.n, 5)) - SUM(GREATEST(properties.n, 1)) AS value FROM events",
    "SELECT SUM(ROUND(properties.n, 2)) + SUM(CEIL(properties.n)) + SUM(FLOOR(properties.n)) x FROM events",
    "SELECT SUM(CASE WHEN properties.a = 'x' OR NOT properties.b <> 'y' THEN 1 ELSE 0 END) v FROM events",
    "SELECT SUM(CASE properties.a WHEN 'x' THEN properties.n END) AS value FROM events",
    "SELECT COUNT(*) AS value, DATE_TRUNC('day', timestamp) AS day FROM events GROUP BY 2",
    "SELECT COUNT(*) AS value, date_trunc('hour', timestamp) AS h FROM events GROUP BY date_trunc('hour', timestamp)",
    "SELECT SUM(CAST(properties.n AS DECIMAL(10, 2))) + SUM(properties.m::int) AS value FROM events",
    "SELECT COUNT(*) FROM events WHERE properties.n > 5 AND properties.n <= 7.5 AND properties.a IS NOT NULL",
    "SELECT SUM(m) AS value FROM (SELECT MAX(properties.n) AS m, properties.u FROM events GROUP BY properties.u)",
    "SELECT SUM(n) FROM (SELECT * FROM (SELECT properties.n AS n, event_type FROM events) WHERE event_type = 'a')",
    "SELECT SUM(properties.n) AS value FROM (SELECT * FROM events WHERE event_type IN ('call'))",
]


@pytest.mark.parametrize("sql", ALLOWED)
def test_r38_everything_the_guide_lists_is_allowed(sql: str) -> None:
    assert query_of(sql).names


@pytest.mark.parametrize(
    ("sql", "place", "expected"),
    [
        ("SELECT SUM(n) FROM events", "line 1, column 12", "expected properties.n"),
        ("SELECT COUNT(*)\nFROM evnts", "line 2, column 6", "expected FROM events"),
        ("SELECT LATES(properties.n) FROM events", "column 8", "expected LATEST"),
        ("SELECT MEDIAN(properties.n) FROM events", "column 8", "COUNT, SUM, MAX, MIN"),
        ("SELECT COUNT(*) FROM read_csv('/etc/passwd')", "column 22", "expected FROM events"),
        ("SELECT COUNT(*) FROM main.events", "column 22", "expected FROM events"),
        ("SELECT COUNT(*) FROM events, events", "column 30", "a single FROM events"),
        ("SELECT COUNT(*) FROM events JOIN events f ON TRUE", "column 34", "a single FROM"),
        ("SELECT SUM(properties.n) OVER () FROM events", "column 8", "a sub-select"),
        ("SELECT COUNT(*) FROM events LIMIT 1", "column 35", "counts every event"),
        ("SELECT COUNT(*) FROM events HAVING COUNT(*) > 1", "column 36", "a sub-select"),
        ("SELECT COUNT(*) FROM events WHERE (SELECT 1) = 1", "column 43", "a sub-select after"),
        ("SELECT COALESCE(properties.n, 0) FROM events", "column 8", "CASE WHEN x IS NULL"),
        ("SELECT DISTINCT properties.n FROM events", "column 8", "expected GROUP BY"),
        ("SELECT CURRENT_TIMESTAMP FROM events", "column 8", "does not know the present"),
        ("SELECT COUNT(*) FROM events UNION SELECT 1", "", "SELECT ... FROM events"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "column 6", "a sub-select after FROM"),
        ("SELECT SUM(properties.n), properties.r FROM events", "column 27", "GROUP BY"),
        ("SELECT SUM(SUM(properties.n)) FROM events", "column 8", "in a sub-select"),
        ("SELECT SUM(properties.n = 1) FROM events", "", "THEN 1 ELSE 0"),
        ("SELECT MAX(timestamp) AS value FROM events", "", "expected a number"),
        ("SELECT DATE_TRUNC('month', timestamp) FROM events", "column 8", "'hour' or 'day'"),
        ("SELECT COUNT(*) FROM events WHERE properties.x LIKE 'a%'", "column 35", "= or IN"),
        ("SELECT COUNT(*) FROM events WHERE properties.x IN (properties.y)", "", "list of values"),
        ("SELECT COUNT(*), COUNT(*) AS c, 1 AS C FROM events", "", "different names"),
        ("SELECT COUNT(*) AS v, GETENV('HOME') AS h FROM events GROUP BY 2", "", "one of COUNT"),
        ("SELECT * FROM events", "column 8", "the columns by name"),
        ("SELECT COUNT(*) FROM events GROUP BY 7", "column 38", "1 to 1"),
        ("SELECT ROUND(properties.n, 99) FROM events", "", "a whole number up to 30"),
        ("DELETE FROM events", "", "SELECT ... FROM events"),
        ("SELECT 1; SELECT 2", "", "one SELECT"),
        ("SELECT CASE WHEN", "", "one SELECT"),
        ("", "", "one SELECT"),
    ],
)
def test_r38_anything_else_is_refused_with_its_place_and_what_to_write(
    sql: str, place: str, expected: str
) -> None:
    with pytest.raises(Refused) as refused:
        query_of(sql)
    assert place in refused.value.message
    assert expected in refused.value.message
    assert "(R38)" in refused.value.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM events WHERE customer_id = 'acme'",
        "SELECT COUNT(*) FROM events WHERE timestamp >= '2024-01-01'",
        "SELECT COUNT(*) FROM events WHERE timestamp >= CAST('2024-01-01' AS TIMESTAMP)",
        "SELECT COUNT(*) FROM events WHERE DATE_TRUNC('day', timestamp) = '2024-01-01'",
    ],
)
def test_r38_customer_and_billing_period_are_the_engines_to_choose(sql: str) -> None:
    with pytest.raises(Refused, match=r"engine|period"):
        query_of(sql)


def test_r38_the_quantity_is_the_column_value_or_else_the_first() -> None:
    named = query_of("SELECT properties.r AS r, COUNT(*) AS Value FROM events GROUP BY 1")
    first = query_of("SELECT COUNT(*) AS calls, properties.r FROM events GROUP BY properties.r")

    assert (named.value, named.group_keys) == (1, ("r",))
    assert (first.value, first.group_keys) == (0, ("r",))


def test_r38_a_query_has_a_limit_in_length_and_depth() -> None:
    with pytest.raises(Refused, match="at most"):
        query_of("SELECT COUNT(*) FROM events" + " " * LENGTH_MAX)
    chain = " + ".join(["properties.n"] * 500)
    for nested in (
        f"SELECT SUM({chain}) FROM events",
        f"SELECT {'(' * 3000}1{')' * 3000} FROM events",
    ):
        with pytest.raises(Refused, match=r"deeper than 150|cannot be read"):
            query_of(nested)
    wide = " AND ".join(["properties.n > 1"] * 140)
    assert query_of(f"SELECT COUNT(*) FROM events WHERE {wide}").level.where
    deep = "events"
    for _ in range(9):
        deep = f"(SELECT * FROM {deep} WHERE event_type = 'a')"
    with pytest.raises(Refused, match="inside one another"):
        query_of(f"SELECT COUNT(*) FROM {deep}")
