"""Dashboards to embed, as a browser sees them: what they show, to whom, and for how long."""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from api.live import Server, running
from api.played import Story
from api.shop import Seller, Shop
from billing.world import at
from closedwon.engine import embedded_links, tokens
from closedwon.store.database import close, open_database, writing
from closedwon.store.stores import Stores
from closedwon.store.tokens import Scope

NAME = "<script>alert('Acme & Sons')</script>"
WRONG = "closedwon_" + "0" * 72
Ask = Callable[..., str]


@pytest.fixture
def shop(story: Story) -> Shop:
    """Acme on March 10: $2,000 prepaid in two halves, a $50 credit that ended, a fee in February."""
    shop = Shop(story.sdk)
    story.sdk.v1.customers.set_name(customer_id=shop.customer, name=NAME)
    halves = [
        {
            "amount": 100_000,
            "starting_at": "2026-01-01T00:00:00Z",
            "ending_before": "2026-03-01T00:00:00Z",
        },
        {
            "amount": 100_000,
            "starting_at": "2026-03-01T00:00:00Z",
            "ending_before": "2027-01-01T00:00:00Z",
        },
    ]
    shop.contract(
        commits=[shop.prepaid(200_000) | {"access_schedule": {"schedule_items": halves}}],
        credits=[
            {
                "product_id": shop.commit,
                "name": "Welcome",
                "priority": 0,
                "access_schedule": {
                    "schedule_items": [
                        {
                            "amount": 5_000,
                            "starting_at": "2026-01-01T00:00:00Z",
                            "ending_before": "2026-02-01T00:00:00Z",
                        }
                    ]
                },
            }
        ],
        scheduled_charges=[
            {
                "product_id": shop.support,
                "schedule": {
                    "schedule_items": [{"amount": 123_456, "timestamp": "2026-02-01T00:00:00Z"}]
                },
            }
        ],
    )
    story.used("2026-01-05T10:00", analysis_hours="20")
    story.used("2026-02-05T10:00", analysis_hours="1000")
    story.used("2026-03-02T10:00", storage_gb="1000.5")
    story.used("2026-03-04T23:59", storage_gb="500", region="us")
    story.until(at("2026-03-10T12:00"))
    return shop


@pytest.fixture
def ask(story: Story, shop: Shop) -> Ask:
    """The URL of a dashboard of Acme."""

    def asked(dashboard: Any, **fields: Any) -> str:
        url = story.sdk.v1.dashboards.get_embeddable_url(
            customer_id=shop.customer, dashboard=dashboard, **fields
        ).data.url
        assert url is not None
        return url

    return asked


def option(key: str, value: str) -> Any:
    return {"dashboard_options": [{"key": key, "value": value}]}


def rows(page: str) -> list[list[str]]:
    """Texts of the cells of every row, heads included."""
    found = []
    for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL):
        cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        found.append([" ".join(unescape(re.sub(r"<[^>]*>", " ", one)).split()) for one in cells])
    return found


def links(page: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', page)


def secret_of(url: str) -> str:
    return url.split("/")[-2]


def test_invoices_stand_newest_first_to_the_cent_and_open_as_their_documents(
    ask: Ask, story: Story, shop: Shop
) -> None:
    url = ask("invoices")
    page = httpx.get(url).text

    assert rows(page) == [
        ["Invoice", "Status", "Issue date", "Total"],
        ["2026-03-01 to 2026-03-31 Usage invoice", "Draft", "2026-04-02", "USD 0.00"],
        ["2026-02-01 to 2026-02-28 Usage invoice", "Final", "2026-03-02", "USD 250.00"],
        ["2026-01-01 to 2026-01-31 Usage invoice", "Final", "2026-02-02", "USD 0.00"],
        ["2026-02-01 Invoice", "Final", "2026-02-01", "USD 1,234.56"],
        ["2026-01-01 Invoice", "Final", "2026-01-01", "USD 2,000.00"],
    ]
    assert "USD 3,484.56" in page
    listed = story.invoices(shop.customer, sort="date_desc")
    assert links(page) == [f"invoices/{one.id}" for one in listed]
    document = httpx.get(httpx.URL(url).join(links(page)[1])).text
    assert ["Total", "250.00"] in rows(document)
    assert links(document) == ["../dashboard"]
    assert str(httpx.URL(url).join(links(page)[1]).join("../dashboard")) == url


def test_usage_is_told_by_day_of_the_open_period(ask: Ask) -> None:
    page = httpx.get(ask("usage")).text

    days = rows(page)[1:]
    assert len(days) == 10
    used = [(day[0], day[-1]) for day in days if day[-1] != "\N{EN DASH}"]
    assert used == [("Mon 2026-03-02", "1,000.5"), ("Wed 2026-03-04", "500")]
    assert re.findall(r'<rect class="usage" x="(\S+)" y="0" width="(\S+)"', page) == [
        ("0", "1000.0"),
        ("0", "499.8"),
    ]
    assert "1,500.5" in page
    assert "Nothing used yet of: Analysis." in page


def test_usage_is_told_by_group_where_one_is_named(ask: Ask) -> None:
    named = {"group_key_name": "region", "value_display_names": {"eu": "Europe <1>"}}

    page = httpx.get(ask("usage", bm_group_key_overrides=[named])).text

    assert rows(page)[-3:] == [
        ["region", "", "Quantity"],
        ["Europe <1>", "", "1,000.5"],
        ["us", "", "500"],
    ]


def test_balances_are_told_by_window_and_add_up(ask: Ask) -> None:
    page = httpx.get(ask("commits_and_credits")).text

    assert rows(page) == [
        ["Window", "Granted", "Used", "Expired", "Remaining"],
        ["2026-01-01 to 2026-02-28 ended", "1,000.00", "1,000.00", "0.00", "0.00"],
        ["2026-03-01 to 2026-12-31 open", "1,000.00", "34.5115", "0.00", "965.4885"],
        ["Total", "2,000.00", "1,034.5115", "0.00", "965.4885"],
        ["Window", "Granted", "Used", "Expired", "Remaining"],
        ["2026-01-01 to 2026-01-31 ended", "50.00", "25.00", "25.00", "0.00"],
    ]
    assert "USD 965.4885" in page
    burned = re.findall(r'<rect class="(\w+)" x="(\S+)" y="0" width="(\S+)"', page)
    assert burned[-2:] == [("used", "0", "500.0"), ("gone", "500.0", "500.0")]


def test_credits_alone_and_without_their_names(ask: Ask) -> None:
    page = httpx.get(ask("Credits", **option("hide_grant_name", "TRUE"))).text

    assert rows(page)[1:] == [["2026-01-01 to 2026-01-31 ended", "50.00", "25.00", "25.00", "0.00"]]
    assert "Welcome" not in page


def test_a_pricing_unit_is_told_by_its_name(story: Story) -> None:
    unit = story.http.post("/v1/credit-types/create", json={"name": "Tokens"}).json()["data"]["id"]
    conversion = {"custom_credit_type_id": unit, "fiat_per_custom_credit": 10}
    seller = Seller(
        story.sdk,
        fiat_credit_type_id="2714e483-4ff1-48e4-9e25-ac732e8f24f2",
        credit_type_conversions=[conversion],
    )
    window = {"starting_at": "2026-01-01T00:00:00Z", "ending_before": "2027-01-01T00:00:00Z"}
    seller.contract(
        credits=[
            {
                "product_id": seller.product("FIXED", "Gift"),
                "priority": 1,
                "access_schedule": {
                    "credit_type_id": unit,
                    "schedule_items": [{"amount": 1234.5, **window}],
                },
            }
        ]
    )
    url = story.sdk.v1.dashboards.get_embeddable_url(
        customer_id=seller.customer,
        dashboard="credits",
        **option("credit_ledger_credit_type_id", unit),
    ).data.url

    assert "Tokens 1,234.5 " in httpx.get(str(url)).text


def test_filters_hold_for_the_list_and_for_what_it_opens(ask: Ask) -> None:
    every = links(httpx.get(ask("invoices")).text)
    scheduled = ask("invoices", **option("invoice_type", "scheduled"))
    drafts = ask("invoices", **option("invoice_status_filter", "draft"))

    assert links(httpx.get(scheduled).text) == every[3:]
    assert links(httpx.get(drafts).text) == every[:1]
    assert httpx.get(httpx.URL(scheduled).join(every[3])).status_code == 200
    assert httpx.get(httpx.URL(scheduled).join(every[0])).status_code == 404


def test_g25_texts_are_escaped_and_nothing_is_asked_for_or_run(ask: Ask) -> None:
    pages = [httpx.get(ask(name)) for name in ("invoices", "usage", "commits_and_credits")]
    first = links(pages[0].text)[0]
    pages.append(httpx.get(httpx.URL(ask("invoices")).join(first)))

    for answer in pages:
        page = answer.text
        assert "&lt;script&gt;alert(&#39;Acme &amp; Sons&#39;)" in page
        assert not re.search(r"<script|<link|<img|@import|url\(|https?:|\son\w+=|\sstyle=", page)
        (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
        hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert answer.headers["content-security-policy"] == (
            f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none';"
            " form-action 'none'; frame-ancestors *"
        )
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "x-frame-options" not in answer.headers


def test_g25_a_link_opens_its_own_page_and_nothing_else(
    ask: Ask, story: Story, server: Server
) -> None:
    usage, invoices = ask("usage"), ask("invoices")
    mine = links(httpx.get(invoices).text)
    other = story.sdk.v1.customers.create(name="Other").data.id
    others = story.sdk.v1.dashboards.get_embeddable_url(customer_id=other, dashboard="invoices")
    bearer = {"Authorization": f"Bearer {secret_of(invoices)}"}

    assert httpx.get(httpx.URL(invoices).join(mine[1])).status_code == 200
    assert httpx.get(httpx.URL(usage).join(mine[1])).status_code == 404
    assert httpx.get(httpx.URL(str(others.data.url)).join(mine[1])).status_code == 404
    assert httpx.get(f"{server.url}/v1/customers", headers=bearer).status_code == 401
    assert httpx.post(invoices).status_code == 405


def test_g25_a_link_is_good_for_an_hour_and_then_as_wrong_as_any(
    ask: Ask, story: Story, server: Server
) -> None:
    url, made = ask("invoices"), server.clock()
    wrong = httpx.get(url.replace(secret_of(url), WRONG))

    story.until(made + embedded_links.VALID - timedelta(seconds=1))
    assert httpx.get(url).status_code == 200
    story.until(made + embedded_links.VALID)
    late = httpx.get(url)

    assert (late.status_code, late.text) == (wrong.status_code, wrong.text)
    assert wrong.status_code == 404
    assert "Acme" not in wrong.text
    assert kept(server) == 1
    ask("usage")
    assert kept(server) == 1


def kept(server: Server) -> int:
    db = open_database(server.settings.state_file, read_only=True)
    (found,) = db.conn.execute("select count(*) from embedded_link").fetchone()
    close(db)
    return int(found)


def test_g25_a_link_dies_with_the_token_it_was_asked_for_with(
    shop: Shop, story: Story, server: Server
) -> None:
    with server.sdk(Scope.READ) as reader:
        made = reader.v1.dashboards.get_embeddable_url(customer_id=shop.customer, dashboard="usage")
    url = str(made.data.url)
    assert httpx.get(url).status_code == 200

    stores = Stores(open_database(server.settings.state_file))
    later = server.clock() + timedelta(seconds=1)
    tokens.revoke(stores, "read", by="test", now=later)
    assert httpx.get(url).status_code == 404
    tokens.create(stores, "read", {Scope.READ}, "another", by="test", now=later)
    assert httpx.get(url).status_code == 404
    close(stores.db)


def test_g25_only_a_digest_is_kept_and_no_log_line_has_the_secret(
    ask: Ask, story: Story, server: Server, shop: Shop
) -> None:
    with_key = story.http.post(
        "/v1/dashboards/getEmbeddableUrl",
        json={"customer_id": shop.customer, "dashboard": "usage"},
        headers={"Idempotency-Key": "once"},
    ).json()["data"]["url"]
    urls = [ask("invoices"), with_key]
    db = open_database(server.settings.state_file)
    with writing(db):
        db.conn.execute("alter table customer rename to mislaid")
    close(db)
    with structlog.testing.capture_logs() as lines:
        answer = httpx.get(urls[0])

    assert answer.status_code == 500
    assert [line["event"] for line in lines] == ["page failed"]
    for secret in map(secret_of, urls):
        assert len(secret.removeprefix("closedwon_")) == 72  # 256 bits and a checksum.
        assert secret not in repr(lines)
        assert secret not in answer.text
        for file in (one for one in server.settings.state_dir.rglob("*") if one.is_file()):
            assert secret.encode() not in file.read_bytes()


def test_a_link_outlives_the_server_that_made_it(tmp_path: Path, start: datetime) -> None:
    with running(tmp_path / "state", start=start) as server, server.sdk() as sdk:
        customer = sdk.v1.customers.create(name="Acme").data.id
        made = sdk.v1.dashboards.get_embeddable_url(customer_id=customer, dashboard="usage")
        path = httpx.URL(str(made.data.url)).path

    with running(tmp_path / "state", start=start) as server:
        answer = httpx.get(server.url + path)
    assert answer.status_code == 200
    assert "No billing period is open now." in answer.text


def test_a_link_leads_to_where_the_server_was_asked_or_to_where_the_setting_says(
    tmp_path: Path,
) -> None:
    def url(server: Server) -> str:
        with server.sdk() as sdk, server.http(*Scope) as http:
            customer = sdk.v1.customers.create(name="Acme").data.id
            asked = {"customer_id": customer, "dashboard": "usage"}
            answer = http.post(
                "/v1/dashboards/getEmbeddableUrl", json=asked, headers={"Host": "bills.test:81"}
            )
        return str(answer.json()["data"]["url"])

    with running(tmp_path / "here") as server:
        assert url(server).startswith("http://bills.test:81/closedwon/embedded/closedwon_")
    with running(tmp_path / "there", api_url="https://bills.test/api/") as server:
        assert url(server).startswith("https://bills.test/api/closedwon/embedded/closedwon_")


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({"customer_id": "nobody"}, 404, "no such customer"),
        ({"dashboard": "spend"}, 400, "dashboard"),
        ({"color_overrides": [{"name": "White", "value": "#fff}</style>"}]}, 400, "value"),
        ({"color_overrides": [{"name": "Pink", "value": "#fff"}]}, 400, "name"),
        ({"bm_group_key_overrides": [{"group_key_name": "region"}]}, 400, "only the usage"),
        (option("sort", "asc"), 400, "key"),
        (option("hide_grant_name", "true"), 400, "means nothing on the invoices"),
        (option("hide_voided_invoices", "yes"), 400, "TRUE, FALSE"),
        (option("contract_id", "nothing"), 404, "contract"),
        (
            {"dashboard_options": 2 * [{"key": "invoice_type", "value": "USAGE"}]},
            400,
            "given twice",
        ),
    ],
)
def test_what_is_not_understood_is_refused_in_words(
    http: httpx.Client, story: Story, fields: dict[str, Any], status: int, word: str
) -> None:
    customer = story.sdk.v1.customers.create(name="Acme").data.id
    asked = {"customer_id": customer, "dashboard": "invoices", **fields}

    answer = http.post("/v1/dashboards/getEmbeddableUrl", json=asked)

    assert answer.status_code == status
    assert word in answer.json()["message"]
