"""A Stripe that keeps invoices and items, forgets idempotency keys on demand, and fails on demand."""

import json
from typing import Any
from urllib.parse import parse_qsl

import httpx
import respx

from closedwon.delivery.providers.stripe import URL


class FakeStripe:
    """Mounted with respx on Stripe's address; ``lost`` calls are carried out but not answered."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.invoices: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str]] = []
        self.keys: dict[str, dict[str, Any]] = {}
        self.lost: set[int] = set()
        self.fails: dict[int, httpx.Response] = {}
        router.route(url__startswith=f"{URL}/v1/").mock(side_effect=self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1/")
        self.calls.append((request.method, path))
        assert request.headers["authorization"] == "Bearer sk_canary"
        number = len(self.calls)
        if number in self.fails:
            return self.fails[number]
        found = self.listed(path, request) if request.method == "GET" else self.made(path, request)
        if number in self.lost:
            raise httpx.ReadTimeout("lost")
        return httpx.Response(200, content=json.dumps(found))

    def listed(self, path: str, request: httpx.Request) -> dict[str, Any]:
        query = dict(request.url.params)
        kept = self.invoices if path == "invoices" else self.items
        name = "customer" if path == "invoices" else "invoice"
        rows = [row for row in reversed(kept) if row[name] == query[name]]
        after = query.get("starting_after")
        if after:
            rows = rows[[row["id"] for row in rows].index(after) + 1 :]
        page = rows[: int(query["limit"])]
        return {"data": page, "has_more": len(rows) > len(page)}

    def made(self, path: str, request: httpx.Request) -> dict[str, Any]:
        key = request.headers["idempotency-key"]
        if key in self.keys:
            return self.keys[key]
        fields = dict(parse_qsl(request.content.decode()))
        if path.endswith("/finalize"):
            row = next(one for one in self.invoices if one["id"] == path.split("/")[1])
            row["status"] = "open"
        else:
            kept = self.invoices if path == "invoices" else self.items
            prefix = "in" if path == "invoices" else "ii"
            metadata = {
                name[9:-1]: text for name, text in fields.items() if name.startswith("metadata[")
            }
            row = {**fields, "id": f"{prefix}_{len(kept) + 1}", "metadata": metadata}
            row |= {"status": "draft"} if path == "invoices" else {}
            kept.append(row)
        self.keys[key] = dict(row)
        return row

    def total(self, invoice_id: str) -> int:
        """What Stripe would charge: it rounds each item by itself."""
        found = 0
        for item in self.items:
            if item["invoice"] == invoice_id:
                found += cents_of(item)
        return found


def cents_of(item: dict[str, Any]) -> int:
    from decimal import ROUND_HALF_UP, Decimal

    if "amount" in item:
        return int(item["amount"])
    exact = Decimal(item["unit_amount_decimal"]) * int(item["quantity"])
    return int(exact.to_integral_value(ROUND_HALF_UP))
