"""Stripe invoices: a draft, its items, then finalized; found again by our invoice id (R292, R294).

Every create carries an Idempotency-Key. Stripe forgets those after a day, so a repeat looks first:
an invoice that carries our id is taken up where it was left, and only items it lacks are added.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from closedwon.delivery.channel import ExternalStatus, Outcome, Verdict
from closedwon.delivery.provider import Delivery
from closedwon.delivery.stripe_lines import (
    STATUS_OF_INVOICE,
    StripeLine,
    is_too_small,
    refusal,
    stripe_lines,
)
from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused
from closedwon.transport import Answer, Limits, Transient, retry_after_s, send

URL = "https://api.stripe.com"
VERSION = "2024-06-20"
"""The API version whose shapes this file speaks."""
LIMITS = Limits(connect_s=10, read_s=80, total_s=100, body_bytes_max=4 * 1024 * 1024)
PAGES_MAX = 20
"""Pages of 100 invoices or items looked through for one of ours."""
DAYS_UNTIL_DUE = 30
"""For ``send_invoice`` when the contract has no payment terms; Stripe wants a number."""
OUR_ID = "closedwon_invoice_id"
OUR_LINE = "closedwon_line"
TRY_AGAIN = frozenset({401, 403, 409, 424, 429})
"""A key to be corrected in the settings, a call in progress, a limit: the invoice is not at fault.

Beside them every 5xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stripe:
    """Needs ``stripe_customer_id``; reads ``stripe_collection_method`` (charge_automatically)."""

    api_key: str = field(repr=False)
    client: httpx.Client = field(repr=False)
    url: str = URL
    leaves_drafts: bool = False
    """Whether a person finalizes in Stripe; then there is no external status (R294)."""
    skips_small: bool = True
    """Whether nothing-to-pay and below-minimum invoices are left out (R292)."""
    name: str = "stripe"

    def deliver(self, delivery: Delivery) -> Outcome:
        """Make the invoice at Stripe, or finish the one a call before this one began."""
        issued = delivery.issued
        why = refusal(issued)
        if not delivery.configuration.get("stripe_customer_id"):
            why = "the customer has no stripe_customer_id"
        if why:
            return _refused(why)
        if self.skips_small and is_too_small(issued):
            return Outcome(verdict=Verdict.DONE, external_status=ExternalStatus.SKIPPED)
        try:
            return self._made(delivery)
        except Transient as error:
            asked = int(error.retry_after_s or 0)
            return Outcome(
                verdict=Verdict.AGAIN, error=error.message, retry_after_s=asked, is_away=True
            )
        except Refused as error:
            return _refused(error.message)

    def _made(self, delivery: Delivery) -> Outcome:
        invoice = self._begun(delivery) if delivery.is_repeat else None
        if invoice is None:
            invoice = self._post("invoices", f"{delivery.key}-invoice", _head(delivery))
        if invoice["status"] == "draft":
            known = self._known_lines(str(invoice["id"])) if delivery.is_repeat else set()
            for number, line in enumerate(stripe_lines(delivery.issued), start=1):
                if str(number) not in known:
                    item_key = f"{delivery.key}-line-{number}"
                    fields = _item(delivery, str(invoice["id"]), number, line)
                    self._post("invoiceitems", item_key, fields)
            if not self.leaves_drafts:
                path = f"invoices/{invoice['id']}/finalize"
                invoice = self._post(path, f"{delivery.key}-finalize", {"auto_advance": "true"})
        return Outcome(
            verdict=Verdict.DONE,
            external_status=STATUS_OF_INVOICE.get(str(invoice["status"])),
            external_id=str(invoice["id"]),
        )

    def _begun(self, delivery: Delivery) -> Mapping[str, Any] | None:
        """The invoice an earlier call made for this one of ours; None when there is none."""
        query = {"customer": delivery.configuration["stripe_customer_id"]}
        for found in self._listed("invoices", query):
            if found.get("metadata", {}).get(OUR_ID) == delivery.issued.invoice.id:
                return found
        return None

    def _known_lines(self, invoice_id: str) -> set[str]:
        """Numbers of our lines that the invoice holds already."""
        items = self._listed("invoiceitems", {"invoice": invoice_id})
        return {str(found.get("metadata", {}).get(OUR_LINE, "")) for found in items}

    def _listed(self, path: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        """Newest first; raises Refused rather than guess when there are more than we look through.

        That is REFUSED and shown to a person: making a second invoice would be worse.
        """
        after: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            page = self._call("GET", f"{path}?{urlencode({**query, 'limit': '100', **after})}")
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}
        raise Refused(f"Stripe lists more than {PAGES_MAX * 100} {path}; look it up by hand")

    def _post(self, path: str, key: str, fields: Mapping[str, str]) -> Mapping[str, Any]:
        made: Mapping[str, Any] = self._call(
            "POST", path, {"Idempotency-Key": key}, urlencode(fields)
        )
        return made

    def _call(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, form: str = ""
    ) -> Any:
        """The answer's object; raises Transient or Refused."""
        answer = send(
            self.client,
            method,
            f"{self.url}/v1/{path}",
            headers={
                "Authorization": f"Bearer {self.api_key}",
                "Stripe-Version": VERSION,
                "Content-Type": "application/x-www-form-urlencoded",
                **(headers or {}),
            },
            content=form or None,
            limits=LIMITS,
        )
        if answer.status in TRY_AGAIN or answer.status >= 500:
            raise Transient(_told(answer)).after(retry_after_s(answer.headers))
        if answer.status > 299:
            raise Refused(_told(answer))
        return strict_json.loads(answer.body)


def _head(delivery: Delivery) -> Mapping[str, str]:
    issued, invoice = delivery.issued, delivery.issued.invoice
    collection = delivery.configuration.get("stripe_collection_method", "charge_automatically")
    fields = {
        "customer": delivery.configuration["stripe_customer_id"],
        "currency": issued.currency.lower(),
        "collection_method": collection,
        "auto_advance": "false",
        "pending_invoice_items_behavior": "exclude",
        f"metadata[{OUR_ID}]": invoice.id,
        "metadata[closedwon_contract_id]": invoice.contract_id,
    }
    if collection == "send_invoice":
        days = invoice.net_payment_terms_days
        fields["days_until_due"] = str(DAYS_UNTIL_DUE if days is None else days)
    return fields


def _item(delivery: Delivery, invoice_id: str, number: int, line: StripeLine) -> Mapping[str, str]:
    fields = {
        "customer": delivery.configuration["stripe_customer_id"],
        "invoice": invoice_id,
        "currency": delivery.issued.currency.lower(),
        "description": line.text,
        f"metadata[{OUR_LINE}]": str(number),
    }
    if line.unit_amount:
        fields |= {"quantity": str(line.quantity), "unit_amount_decimal": line.unit_amount}
    else:
        fields["amount"] = str(line.amount)
    if line.start is not None and line.end is not None:
        fields["period[start]"] = str(int(line.start.timestamp()))
        fields["period[end]"] = str(int(line.end.timestamp()))
    return fields


def _refused(why: str) -> Outcome:
    status = ExternalStatus.INVALID_REQUEST_ERROR
    return Outcome(verdict=Verdict.REFUSED, error=why, external_status=status)


def _told(answer: Answer) -> str:
    """Status and Stripe's own message; a body that is no such thing is not repeated."""
    try:
        message = strict_json.loads(answer.body)["error"]["message"]
    except (Refused, KeyError, TypeError):
        message = ""
    return f"Stripe answered {answer.status}: {message}".rstrip(": ")
