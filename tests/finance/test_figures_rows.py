"""Rows for Salesforce from an account and its bill: exact amounts, keys, parents, order."""

from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from closedwon.billing.account import Account, Bill, Customer
from closedwon.billing.balances.types import Balance
from closedwon.billing.catalog.types import (
    Catalog,
    Product,
    ProductType,
    ProductVersion,
)
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import (
    AccessSegment,
    Commit,
    CommitKind,
    RolloverOrigin,
    Transition,
    TransitionType,
)
from closedwon.billing.invoices.types import (
    Invoice,
    InvoiceStatus,
    InvoiceType,
    Line,
    LineType,
)
from closedwon.finance.figures import Picture, SyncState, WantedRow, customer_rows, sync_row
from closedwon.kernel.instant import Interval

JANUARY = datetime(2024, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2024, 2, 10, 8, tzinfo=UTC)
DEAL = "006Hs000000014qIAA"
STORAGE = Product(
    id="storage",
    type=ProductType.USAGE,
    versions=(ProductVersion(starting_at=JANUARY, name="Storage"),),
)


def a_commit(name: str, kind: CommitKind = CommitKind.PREPAID, **more: object) -> Commit:
    window = Interval(JANUARY, NEW_YEAR)
    commit = Commit(
        id=name,
        kind=kind,
        product_id="storage",
        name=name,
        segments=(AccessSegment(id=f"{name}-1", amount=Decimal(100_000), window=window),),
        created_at=JANUARY,
        source=Source(opportunity_id=DEAL, line_ids=("a0k1", "a0k2")),
    )
    return replace(commit, **more)


def a_balance(commit: str, used: str, *, active: bool = True) -> Balance:
    return Balance(
        commit_id=commit,
        segment_id=f"{commit}-1",
        granted=Decimal(100_000),
        used=Decimal(used),
        used_final=Decimal(0),
        expired=Decimal(0),
        rolled=Decimal(0),
        trued_up=Decimal(0),
        adjusted=Decimal(0),
        remaining=Decimal(100_000) - Decimal(used),
        is_settled=not active,
        is_active=active,
    )


def a_line(quantity: str, total: str, commit: str | None = None) -> Line:
    return Line(
        type=LineType.USAGE,
        name="Storage",
        product_id="storage",
        quantity=Decimal(quantity),
        list_price=Decimal("2.3"),
        total=Decimal(total),
        commit_id=commit,
    )


def an_invoice(start: datetime, end: datetime, status: InvoiceStatus, *lines: Line) -> Invoice:
    return Invoice(
        id=f"i{start.month}",
        customer_id="c1",
        contract_id="k1",
        type=InvoiceType.USAGE,
        status=status,
        total=Decimal(0),
        lines=lines,
        start=start,
        end=end,
        issued_at=end,
    )


def a_picture(
    commits: tuple[Commit, ...], balances: tuple[Balance, ...], contracts: tuple[Contract, ...] = ()
) -> Picture:
    account = "001Hs000000014mIAA"
    customer = Customer(
        id="c1", name="Northwind", salesforce_account_id=account, created_at=JANUARY
    )
    contract = Contract(
        id="k1",
        customer_id="c1",
        term=Interval(JANUARY, NEW_YEAR),
        name="Northwind 2024",
        commits=commits,
        created_at=JANUARY,
    )
    final = an_invoice(
        JANUARY,
        FEBRUARY,
        InvoiceStatus.FINALIZED,
        a_line("10", "20.7", "A"),
        a_line("5", "10.355"),
    )
    draft = an_invoice(
        FEBRUARY,
        datetime(2024, 3, 1, tzinfo=UTC),
        InvoiceStatus.DRAFT,
        a_line("100", "207", "A"),
    )
    return Picture(
        account=Account(customer=customer, contracts=contracts or (contract,), finalized=(final,)),
        bill=Bill(invoices=(draft,), commits=commits, balances=balances, entries=()),
        catalog=Catalog(products={"storage": STORAGE}),
        now=NOW,
        environment="sandbox",
    )


PLAIN = a_picture((a_commit("A"),), (a_balance("A", "227.7"),))


def row(picture: Picture, key: str) -> WantedRow:
    (found,) = [one for one in customer_rows(picture) if one.key == f"sandbox:{key}"]
    return found


def test_a_customer_shows_what_it_can_draw_and_spends() -> None:
    fields = row(PLAIN, "c1").fields

    assert fields["Balance_Total__c"] == Decimal("997.72")
    assert fields["Prepaid_Remaining__c"] == Decimal("997.72")
    assert fields["Spend_This_Month__c"] == Decimal("2.07")
    assert fields["Spend_Last_Month__c"] == Decimal("0.31")
    assert fields["Next_Expiry_Date__c"] == "2024-12-31"
    assert fields["Account__c"] == "001Hs000000014mIAA"


def test_a_balance_that_is_not_open_yet_is_no_ones_to_draw() -> None:
    later = a_picture((a_commit("A"),), (a_balance("A", "0", active=False),))

    assert row(later, "c1").fields["Balance_Total__c"] == 0
    assert row(later, "k1").fields["Remaining__c"] == 1000


def test_free_credits_count_as_balance_and_not_as_prepaid_or_committed() -> None:
    commits = (a_commit("A"), a_commit("F", CommitKind.CREDIT))
    both = a_picture(commits, (a_balance("A", "0"), a_balance("F", "0")))

    assert row(both, "c1").fields["Balance_Total__c"] == 2000
    assert row(both, "c1").fields["Prepaid_Remaining__c"] == 1000
    assert row(both, "k1").fields["Committed_Total__c"] == 1000
    assert row(both, "F").fields["Type__c"] == "Credit"


def test_a_contract_says_when_it_ends_who_sold_it_and_how_fast_it_burns() -> None:
    fields = row(PLAIN, "k1").fields

    assert fields["Ending_Before__c"] == "2025-01-01T00:00:00+00:00"
    assert fields["Opportunity__c"] == DEAL
    assert fields["Customer__r"] == {"Key__c": "sandbox:c1"}
    assert (fields["Committed_Total__c"], fields["Status__c"]) == (1000, "Active")
    # 20 of January's 31 days at 31.055 cents, and all 207 cents of February so far.
    assert fields["Burn_Rate_30d__c"] == Decimal("2.27")


def test_a_commit_points_at_its_contract_deal_and_first_quote_line() -> None:
    fields = row(PLAIN, "A").fields

    assert fields["Contract__r"] == {"Key__c": "sandbox:k1"}
    assert (fields["Opportunity__c"], fields["Quote_Line_Id__c"]) == (DEAL, "a0k1")
    assert (fields["Access_Amount__c"], fields["Used__c"]) == (1000, Decimal("2.28"))
    assert fields["Product__c"] == "Storage"


def test_a_rollover_belongs_to_the_renewal_and_points_at_where_it_came_from() -> None:
    origin = RolloverOrigin(contract_id="k1", commit_id="A")
    old = Contract(
        id="k1",
        customer_id="c1",
        term=Interval(JANUARY, NEW_YEAR),
        commits=(a_commit("A"),),
        created_at=JANUARY,
    )
    link = Transition(type=TransitionType.RENEWAL, from_contract_id="k1")
    new = replace(old, id="k2", commits=(), transition=link)
    picture = a_picture(
        (a_commit("A"), a_commit("R", rolled_over_from=origin)),
        (a_balance("A", "0"), a_balance("R", "0")),
        (old, new),
    )

    rolled = row(picture, "R")
    assert rolled.fields["Contract__r"] == {"Key__c": "sandbox:k2"}
    assert rolled.fields["Rolled_From__r"] == {"Key__c": "sandbox:A"}
    assert rolled.position > row(picture, "A").position


def test_spend_by_product_and_month_splits_into_covered_and_overage() -> None:
    january = row(PLAIN, "c1:storage:2024-01-01").fields

    assert january["Quantity__c"] == 15
    assert january["List_Amount__c"] == Decimal("0.35")
    assert january["Net_Amount__c"] == Decimal("0.31")
    assert january["Covered_By_Commit__c"] + january["Overage__c"] == january["Net_Amount__c"]
    assert january["Is_Final__c"] is True
    assert row(PLAIN, "c1:storage:2024-02-01").fields["Is_Final__c"] is False


def test_a_product_without_usage_has_no_spend_row() -> None:
    nothing = an_invoice(FEBRUARY, NEW_YEAR, InvoiceStatus.DRAFT, a_line("0", "0"))
    empty = replace(PLAIN, bill=replace(PLAIN.bill, invoices=(nothing,)))

    keys = {one.key for one in customer_rows(empty)}
    assert "sandbox:c1:storage:2024-02-01" not in keys


def test_access_windows_are_keyed_by_their_first_day_even_when_two_share_it() -> None:
    window = Interval(JANUARY, NEW_YEAR)
    second = AccessSegment(id="A-2", amount=Decimal(5), window=window)
    twice = a_commit("A", segments=(*a_commit("A").segments, second))
    held = (a_balance("A", "0"), replace(a_balance("A", "0"), segment_id="A-2"))

    keys = [
        one.key for one in customer_rows(a_picture((twice,), held)) if "Period" in one.object_name
    ]
    assert keys == ["sandbox:A:20240101", "sandbox:A:20240101:2"]


def test_parents_come_before_children() -> None:
    positions = [one.position for one in customer_rows(PLAIN)]

    assert positions == sorted(positions)


def test_a_sync_record_tells_without_its_attempts_being_a_reason_to_send() -> None:
    state = SyncState(
        opportunity_id=DEAL,
        object_name="Opportunity",
        stage="Needs Attention",
        severity="Error",
        messages=["no price", "no date"],
        attempts=3,
        last_attempt_at=NOW,
    )

    found = sync_row(state, "sandbox")
    assert found.key == f"sandbox:Opportunity:{DEAL}"
    assert found.fields["Message__c"] == "no price\nno date"
    assert found.fields["Retry__c"] is False
    assert "Attempts__c" not in found.fields
    assert found.extra["Attempts__c"] == 3


def test_the_row_of_a_deleted_opportunity_does_not_point_at_it() -> None:
    state = SyncState(
        opportunity_id=DEAL,
        object_name="Opportunity",
        stage="Suspended",
        severity="Error",
        messages=[],
        is_deleted=True,
    )

    assert "Opportunity__c" not in sync_row(state, "sandbox").fields
