"""The curl calls of the seeds, as printed, against a live server: the invoices of S1, S2 and S3."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from api.curl import CURL, REPAIRS, SEEDS, call, place, printed, repaired
from api.infrax import Infrax, check_infrax
from api.played import Story
from api.regions import calls_of, regional, regional_cards, regional_totals
from api.shop import Seller, Shop
from api.test_s1_infrax import renew
from api.widgets import check_widgets, live_widgets
from billing.world import at

CALLS = sorted(path.stem for path in SEEDS.glob("*.txt"))
SHARED = Path(__file__).parents[3] / "shared" / "reference" / "seeds"

INFRAX_CUSTOMER = "c247f641-aa10-4167-bdbf-e1266810c4e4"
UPSOLD_CUSTOMER = "13117714-3f05-48e5-a6e9-a66093f13b4d"
UPSOLD_CONTRACT = "d7abd0cd-4ae9-4db7-8676-e986a4ebd8dc"
COMMIT_PRODUCT = "76e57c3a-064f-49ad-8740-2bff58f2f808"
SUPPORT_PRODUCT = "0afe45f6-f048-44a5-8fc5-9e9b9592d029"
WIDGETS_CUSTOMER = "aa58107d-162f-407e-9f09-940f16adbb1c"
WIDGETS_CONTRACT = "0a6180da-336a-40e6-98f4-20b6be08211d"
WIDGETS_COMMIT = "a1f4e40b-f8c4-496b-b687-0a103396b479"
PLATFORM_PRODUCT = "06cf3703-3f5e-467c-8ba1-0ee934c740b9"
US_CARD = US_CONTRACT = UPSOLD_CONTRACT  # the guide prints one id for all three


@pytest.fixture
def start() -> datetime:
    return at("2023-12-20")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the seeds themselves are not beside this project")
@pytest.mark.parametrize("name", CALLS)
def test_the_committed_call_is_the_seed_s_text(name: str) -> None:
    file, _, line = place(name).partition(", line ")
    seed = (SHARED / file).read_text().splitlines(keepends=True)

    assert "".join(seed[int(line) - 1 :]).startswith(printed(name).removesuffix("\n"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the seeds themselves are not beside this project")
def test_every_call_of_every_seed_is_committed() -> None:
    found = {
        f"{path.name}, line {number}"
        for path in SHARED.glob("*.txt")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if "curl" in line
    }

    assert found == {place(name) for name in CALLS}


def test_one_body_is_repaired_and_nothing_else_changed() -> None:
    assert [name for name in CALLS if repaired(name) != printed(name)] == list(REPAIRS)


def test_s1_r12_r97_the_calls_of_seed_000_bill_infrax(story: Story, tmp_path: Path) -> None:
    shop = Shop(story.sdk)
    story.sdk.v1.contracts.rate_cards.update(
        rate_card_id=shop.card, aliases=[{"name": "my-rate-card"}]
    )
    story.sdk.v1.custom_fields.add_key(
        entity="contract", key="sfdc_opportunity_id", enforce_uniqueness=False
    )
    customer = call(story.server, tmp_path, "000-customer", {})["data"]["id"]
    signed = {
        INFRAX_CUSTOMER: customer,
        COMMIT_PRODUCT: shop.commit,
        SUPPORT_PRODUCT: shop.support,
    }
    contract = call(story.server, tmp_path, "000-contract", signed)["data"]["id"]
    upsold = {
        UPSOLD_CUSTOMER: customer,
        UPSOLD_CONTRACT: contract,
        COMMIT_PRODUCT: shop.commit,
    }
    shop.customer = customer
    told = Infrax(story, customer, "internal_customer_id", [contract])

    told.live(
        lambda: call(story.server, tmp_path, "000-upsell", upsold), lambda: renew(shop, contract)
    )

    check_infrax(told)
    (found,) = story.sdk.v1.customers.list(salesforce_account_ids=["sfdc_account_01"])
    assert (found.id, found.name) == (customer, "Customer X")
    assert shop.v2(contract).custom_fields == {"sfdc_opportunity_id": "opp_id_01"}


class TestWidgets:
    """Seed 002; its guide begins in the autumn of 2024."""

    @pytest.fixture
    def start(self) -> datetime:
        return at("2024-09-25")

    @pytest.fixture
    def customer(self, story: Story, tmp_path: Path) -> str:
        story.sdk.v1.custom_fields.add_key(
            entity="customer", key="sfdc_account_id", enforce_uniqueness=False
        )
        made: str = call(story.server, tmp_path, "002-customer", {})["data"]["id"]
        return made

    def test_s2_r132_r133_r149_they_bill_a_year(
        self, story: Story, customer: str, tmp_path: Path
    ) -> None:
        shop = Seller(story.sdk, aliases=[{"name": "base_usage_products"}])
        shop.rate(shop.usage("Compute", "compute_h", ["cloud"]), 40)
        shop.rate(shop.usage("Egress", "egress_gb", ["cloud"]), 8)
        shop.rate(shop.usage("Support", "support_n", []), 1500)
        signed = {
            WIDGETS_CUSTOMER: customer,
            WIDGETS_COMMIT: shop.product("FIXED", "Cloud Commit"),
            PLATFORM_PRODUCT: shop.product("FIXED", "Platform"),
        }
        contract = call(story.server, tmp_path, "002-contract", signed)["data"]["id"]
        cheaper = {WIDGETS_CUSTOMER: customer, WIDGETS_CONTRACT: contract}
        call(story.server, tmp_path, "002-discount", cheaper)

        left = live_widgets(story, customer, "team@widgetsexpress.com")

        check_widgets(story, customer, left)
        found = story.sdk.v1.customers.retrieve(customer_id=customer).data
        assert found.custom_fields == {"sfdc_account_id": "sfdc1001"}

    def test_s3_r105_r106_they_move_europe_into_the_american_contract(
        self, story: Story, customer: str, tmp_path: Path
    ) -> None:
        cards = regional_cards(story.sdk)
        signed = {UPSOLD_CUSTOMER: customer, US_CARD: cards["US"]}
        us = call(story.server, tmp_path, "002-us-contract", signed)["data"]["id"]
        others = {region: regional(story, customer, cards, region) for region in ("EU", "APAC")}
        calls_of(story, "2024-12")
        story.until(at("2025-01-01"))
        filtered = {UPSOLD_CUSTOMER: customer, US_CONTRACT: us}
        call(story.server, tmp_path, "002-usage-filter", filtered)
        story.sdk.v1.contracts.update_end_date(
            customer_id=customer, contract_id=others["EU"], ending_before=at("2025-01-01")
        )
        calls_of(story, "2025-01")
        story.until(at("2025-02-03"))

        assert regional_totals(story, customer, "2024-12") == {
            us: Decimal(1000),
            others["EU"]: Decimal(480),
            others["APAC"]: Decimal(330),
        }
        assert regional_totals(story, customer, "2025-01") == {
            us: Decimal(1400),
            others["APAC"]: Decimal(330),
        }

    @pytest.mark.skipif(CURL is None, reason="curl is missing: every call went through httpx")
    def test_httpx_sends_what_curl_sends(self, story: Story, customer: str, tmp_path: Path) -> None:
        story.sdk.v1.customers.set_ingest_aliases(customer_id=customer, ingest_aliases=[])
        again = call(story.server, tmp_path, "002-customer", {}, with_curl=False)["data"]

        assert again["id"] != customer
        assert again["name"] == "WidgetsExpress"
        assert again["ingest_aliases"] == ["team@widgetsexpress.com"]
