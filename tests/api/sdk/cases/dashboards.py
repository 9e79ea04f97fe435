"""Pages to embed: v1.dashboards."""

from typing import Any

import httpx

from api.sdk.casing import does, refuses
from api.sdk.world import World


@does("v1.dashboards.get_embeddable_url")
def gives_a_url_that_needs_no_token(world: World) -> None:
    asked: Any = world.sdk.v1.dashboards.get_embeddable_url
    by_region = {
        "group_key_name": "region",
        "display_name": "Continent",
        "value_display_names": {"eu": "Europe"},
    }

    usage = asked(
        customer_id=world.settled,
        dashboard="usage",
        bm_group_key_overrides=[by_region],
        color_overrides=[{"name": "UsageLine_0", "value": "#0a7"}],
    ).data.url
    invoices = asked(
        customer_id=world.settled,
        dashboard="INVOICES",
        dashboard_options=[{"key": "invoice_type", "value": "SCHEDULED"}],
    ).data.url

    assert usage.startswith(f"{world.server.url}/closedwon/embedded/")
    shown = httpx.get(usage).text
    assert all(text in shown for text in ("Storage", "2,001", "Continent", "Europe", "#0a7"))
    listed = httpx.get(invoices).text
    assert "USD 10,000.00" in listed
    assert "Usage invoice" not in listed


@refuses("v1.dashboards.get_embeddable_url", 400, "means nothing on the usage dashboard")
def does_not_take_an_option_of_another_dashboard(world: World) -> None:
    world.sdk.v1.dashboards.get_embeddable_url(
        customer_id=world.settled,
        dashboard="usage",
        dashboard_options=[{"key": "hide_voided_invoices", "value": "true"}],
    )
