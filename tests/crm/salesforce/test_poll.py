"""What changed: one call for five objects, rows led up to their deals, slow windows halved."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx

from closedwon.crm.salesforce.poll import Poll
from closedwon.crm.salesforce.query import Queries
from closedwon.kernel.errors import ConfigError
from closedwon.ports import Window
from closedwon.testing.crm_world import SOURCE
from crm.salesforce.org import BASE, NOON, Org, an_id, page, row

OPPORTUNITY, QUOTE, LINE = an_id(1), an_id(2, "a01"), an_id(3, "a02")
TIMEOUT = [{"errorCode": "QUERY_TIMEOUT", "message": "slow"}]


def window(name: str, minutes: int = 10) -> Window:
    return Window(object_name=name, since=NOON - timedelta(minutes=minutes), until=NOON)


def poll() -> Poll:
    return Poll(Queries(Org().session), SOURCE)


def composite(*bodies: Any) -> respx.Route:
    parts = [
        {"body": body, "httpStatusCode": 400 if body is TIMEOUT else 200, "referenceId": f"q{at}"}
        for at, body in enumerate(bodies)
    ]
    return respx.post(f"{BASE}/composite").respond(json={"compositeResponse": parts})


@respx.mock
def test_one_call_reads_all_objects_and_leads_rows_up() -> None:
    line = row("SBQQ__QuoteLine__c", LINE, SBQQ__Quote__r={"SBQQ__Opportunity2__c": OPPORTUNITY})
    orphan = row("SBQQ__Quote__c", QUOTE, SBQQ__Opportunity2__c=None)
    route = composite(
        page([row("Opportunity", OPPORTUNITY)]), page([orphan]), page([{**line, "IsDeleted": True}])
    )

    names = ("Opportunity", "SBQQ__Quote__c", "SBQQ__QuoteLine__c")
    found = list(poll().changes([window(name) for name in names]))

    assert [(r.id, r.opportunity_ids, r.deleted) for r in found] == [
        (OPPORTUNITY, (OPPORTUNITY,), False),
        (QUOTE, (), False),
        (LINE, (OPPORTUNITY,), True),
    ]
    assert route.call_count == 1
    urls = [q["url"] for q in json.loads(route.calls.last.request.content)["compositeRequest"]]
    assert all(url.startswith("/services/data/v60.0/queryAll?q=") for url in urls)
    asked = httpx.URL(urls[2]).params["q"]
    assert asked == (
        "SELECT Id, IsDeleted, SBQQ__Quote__r.SBQQ__Opportunity2__c, SystemModstamp"
        " FROM SBQQ__QuoteLine__c WHERE SystemModstamp >= 2024-03-01T11:50:00Z"
        " AND SystemModstamp < 2024-03-01T12:00:00Z ORDER BY SystemModstamp, Id"
    )


@respx.mock
def test_a_window_that_times_out_is_read_in_halves() -> None:
    asked: list[str] = []

    def answered(request: httpx.Request) -> httpx.Response:
        soql = request.url.params["q"]
        asked.append(soql.partition("WHERE ")[2].partition(" ORDER")[0])
        if "11:50:00Z AND" in soql and "12:00:00Z" in soql:
            return httpx.Response(400, json=TIMEOUT)
        return httpx.Response(200, json=page([row("Opportunity", an_id(len(asked)))]))

    respx.get(url__startswith=f"{BASE}/queryAll?").mock(side_effect=answered)

    found = list(poll().changes([window("Opportunity")]))

    assert [row.id for row in found] == [an_id(3), an_id(4)]
    assert [text.partition(" ")[2] for text in asked[-2:]] == [
        ">= 2024-03-01T11:50:00Z AND SystemModstamp < 2024-03-01T11:55:00Z",
        ">= 2024-03-01T11:55:00Z AND SystemModstamp < 2024-03-01T12:00:00Z",
    ]


@respx.mock
def test_one_slow_object_does_not_stop_the_others() -> None:
    composite(page([]), TIMEOUT)
    respx.get(url__startswith=f"{BASE}/queryAll?").mock(
        side_effect=[
            httpx.Response(200, json=page([row("Opportunity", OPPORTUNITY)])),
            httpx.Response(
                200, json=page([row("SBQQ__Quote__c", QUOTE, SBQQ__Opportunity2__c=None)])
            ),
        ]
    )

    found = list(poll().changes([window("Opportunity"), window("SBQQ__Quote__c")]))

    assert [r.id for r in found] == [OPPORTUNITY, QUOTE]


def test_an_object_no_mapping_reads_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="SBQQ__QuoteLine__c"):
        list(poll().changes([window("Lead")]))
