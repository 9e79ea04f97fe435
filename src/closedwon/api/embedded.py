"""Pages a browser opens without a token: the secret in the path is the key to one dashboard.

Whoever has no good key learns nothing, not even which part of it is wrong.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from msgspec.structs import replace

from closedwon.api.answers import status_of
from closedwon.api.call import Answer, Call
from closedwon.api.gate import Door, Incoming
from closedwon.api.invoice_shapes import every_invoice, issued
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.invoices.listing import InvoiceFilter, listed
from closedwon.billing.invoices.types import Invoice
from closedwon.delivery.documents import html_of
from closedwon.delivery.documents.dashboards import (
    Frame,
    Measured,
    balances_page,
    invoices_page,
    message_page,
    style_digest,
    usage_page,
)
from closedwon.engine import Engine, embedded_links
from closedwon.engine.usage_queries import MetricAsked
from closedwon.kernel.errors import ClosedwonError, NotFound, Refused
from closedwon.kernel.instant import Interval
from closedwon.store.embedded_links import Dashboard, Link
from closedwon.usage.windows import WindowSize, WindowValue

ROOT = "/closedwon/embedded"
TITLES = {
    Dashboard.INVOICES: "Invoices",
    Dashboard.USAGE: "Usage",
    Dashboard.CREDITS: "Credits",
    Dashboard.COMMITS_AND_CREDITS: "Commits and credits",
}
POLICY = (
    "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
    " frame-ancestors *"
)
"""No script, nothing from outside; whoever embeds it may stand anywhere."""

log = structlog.get_logger("closedwon.api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A path with ``{secret}`` in it, and the HTML it shows to whoever has one that is good."""

    path: str
    do: Callable[[Call, Link], str]


def address_of(call: Call, secret: str) -> str:
    """Where the dashboard of a secret is."""
    return f"{call.address}{ROOT}/{secret}/dashboard"


def answer_page(door: Door, engine: Engine, page: Page, incoming: Incoming) -> Answer:
    """The page as it stands now; nothing raises, and the secret is written nowhere."""
    try:
        call = door.call(engine, incoming, by="")
        with engine.db.atomic():
            link = _opened(call)
            door.rate.take(link.by)
            return _html(200, page.do(call, link))
    except ClosedwonError as error:
        if status_of(error) == 500:
            return _broken(error, page, incoming)
        return page_failed(error)
    except Exception as error:  # noqa: BLE001 logged in full, told to nobody
        return _broken(error, page, incoming)


def page_failed(error: ClosedwonError) -> Answer:
    """A page that says as little as it can."""
    status = status_of(error)
    if status in {429, 503}:
        return _html(status, message_page("One moment", "Please try again in a few seconds."))
    return _html(404, message_page("Not found", "There is no such page, or no longer."))


def _opened(call: Call) -> Link:
    link = embedded_links.opened(call.engine.stores, call.path["secret"], call.now)
    if link is None:
        raise NotFound("no such page")
    return link


def _broken(error: Exception, page: Page, incoming: Incoming) -> Answer:
    """Logged with the route, never with the path: the secret stands in it."""
    log.error("page failed", request_id=incoming.request_id, page=page.path, exc_info=error)
    return _html(500, message_page("Something went wrong", "Please try again later."))


def _dashboard(call: Call, link: Link) -> str:
    view = link.view
    frame = Frame(
        title=TITLES[view.dashboard],
        customer=call.engine.customer(link.customer_id).name,
        now=call.now,
        catalog=call.engine.catalog(),
        colors=view.colors,
    )
    match view.dashboard:
        case Dashboard.INVOICES:
            return invoices_page(frame, _invoices(call, link))
        case Dashboard.USAGE:
            return _usage_page(call, link, frame)
        case _:
            return _balances_page(call, link, frame)


def _invoice(call: Call, link: Link) -> str:
    """The document of an invoice that stands on the link's own dashboard; raises NotFound."""
    if link.view.dashboard is Dashboard.INVOICES:
        for one in _invoices(call, link):
            if one.id == call.path["invoice_id"]:
                shown = one if link.view.shows_zero_lines else _without_zero_lines(one)
                return html_of(issued(call, shown), back="../dashboard")
    raise NotFound("no such page")


def _invoices(call: Call, link: Link) -> tuple[Invoice, ...]:
    """Those the link shows, newest first."""
    view = link.view
    wanted = InvoiceFilter(type=view.invoice_type, contract_id=view.contract_id, newest_first=True)
    found = listed(every_invoice(call, link.customer_id), wanted)
    return tuple(
        one
        for one in found
        if one.status in view.statuses and view.is_billable in (None, one.is_billable)
    )


def _without_zero_lines(invoice: Invoice) -> Invoice:
    """The total stays: a line of no quantity that costs something is shown."""
    kept = tuple(line for line in invoice.lines if line.quantity != 0 or line.total != 0)
    return replace(invoice, lines=kept)


def _usage_page(call: Call, link: Link, frame: Frame) -> str:
    queries, names = call.engine.usage_queries, link.view.groups
    try:
        period = queries.current_period(link.customer_id, call.now)
    except Refused:  # No billing period is open, which is a thing to show (R42).
        return usage_page(frame, None, (), names)

    def ask(size: WindowSize, *asked: MetricAsked) -> tuple[WindowValue, ...]:
        return queries.inside(link.customer_id, asked, size, period)

    metrics = _metrics(call, link.customer_id, period)
    plain = [MetricAsked(metric_id=metric_id) for metric_id in metrics]
    totals = {one.metric_id: one for one in ask(WindowSize.NONE, *plain)}
    days = ask(WindowSize.DAY, *plain)
    groups = {
        key: ask(
            WindowSize.NONE,
            *(
                MetricAsked(metric_id=metric_id, group_keys=(key,))
                for metric_id in metrics
                if frame.catalog.metrics[metric_id].can_group_by(frozenset({key}))
            ),
        )
        for key in names
    }
    measured = [
        Measured(
            total=total,
            days=tuple(day for day in days if day.metric_id == metric_id),
            groups={
                key: mine
                for key, rows in groups.items()
                if (mine := tuple(row for row in rows if row.metric_id == metric_id and row.group))
            },
        )
        for metric_id, total in totals.items()
    ]
    return usage_page(frame, period, measured, names)


def _metrics(call: Call, customer_id: str, period: Interval) -> list[str]:
    """Metrics of the products on the customer's rate cards, in the order of the cards."""
    catalog = call.engine.catalog()
    found: dict[str, None] = {}
    for contract in call.engine.contracts(customer_id):
        card = catalog.rate_cards.get(contract.rate_card_id or "")
        for product_id in () if card is None or contract.archived_at else card.by_product:
            version = catalog.products[product_id].at(max(period.start, call.now))
            if version.metric_id is not None:
                found[version.metric_id] = None
    return list(found)


def _balances_page(call: Call, link: Link, frame: Frame) -> str:
    account = call.engine.account(link.customer_id, call.now)
    bill = call.engine.bill(link.customer_id, call.now)
    contracts = {one.id for one in account.contracts if one.customer_id == link.customer_id}
    mine = next((one for one in account.members if one.customer.id == link.customer_id), account)
    own = {commit.id for commit in mine.commits}
    balances = [
        one
        for one in bill.balances
        if one.contract_id in contracts or (one.contract_id is None and one.commit_id in own)
    ]
    commits = list(_shown(link, bill.commits))
    return balances_page(frame, commits, balances, hides_names=link.view.hides_names)


def _shown(link: Link, commits: Iterable[Commit]) -> Iterable[Commit]:
    view = link.view
    for commit in commits:
        is_meant = view.dashboard is not Dashboard.CREDITS or commit.kind is CommitKind.CREDIT
        unit = commit.access_credit_type_id
        if commit.archived_at is None and is_meant and view.credit_type_id in (None, unit):
            yield commit


def _html(status: int, page: str) -> Answer:
    return Answer(
        status,
        page,
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": POLICY.format(digest=style_digest(page)),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
        },
    )


PAGES = (
    Page(path=f"{ROOT}/{{secret}}/dashboard", do=_dashboard),
    Page(path=f"{ROOT}/{{secret}}/invoices/{{invoice_id}}", do=_invoice),
)
"""Every page there is."""
