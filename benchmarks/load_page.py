"""The part of docs/performance.md about the server under load."""

from collections.abc import Mapping
from typing import Any

READS = {
    "customer": "a customer (`GET /v1/customers/{id}`)",
    "net_balance": "net balance (`customerBalances/getNetBalance`)",
    "net_balance_again": "the same again, of 20 customers",
    "balances": "balances, listed (`customerBalances/list`)",
    "balances_again": "the same again, of 20 customers",
    "drafts": "draft invoice (`GET /v1/customers/{id}/invoices?status=DRAFT`)",
    "drafts_again": "the same again, of 20 customers",
}
WRITES = {
    "ingest": "batches of 100 (`POST /v1/ingest`)",
    "bulk": "streams of 5,000 lines (`POST /closedwon/ingest`)",
}


def page(found: Mapping[str, Any]) -> str:
    """Markdown of the figures ``load.run`` answers."""
    return "\n".join(
        [
            "# What the server carries",
            "",
            "Written by `python -m benchmarks load` (part of `make bench`); edit nothing here.",
            "",
            _about(found),
            "",
            "| usage in | events a second, over bare answers a second | p50 | p99 over bare |",
            "|---|---|---|---|",
            *(
                f"| {told} | {_one(found, name, 'events_to_bare')} x"
                f" | {_one(found, name, 'p50')} x | {_one(found, name, 'p99')} x |"
                for name, told in WRITES.items()
            ),
            "",
            "| reads | answers a second, over bare ones | p50 over bare | p99 over bare |",
            "|---|---|---|---|",
            *(
                f"| {told} | {_one(found, name, 'rate')} x"
                f" | {_one(found, name, 'p50')} x | {_one(found, name, 'p99')} x |"
                for name, told in READS.items()
            ),
            "",
            _memory(found),
            "",
            "## Figures behind those ratios",
            "",
            "They depend on the machine and on what else it does.",
            "",
            "| request | answers a second | events a second | p50 | p99 | bare ones | p50 | p99 |",
            "|---|---|---|---|---|---|---|---|",
            *(_row(found[name], told) for name, told in (WRITES | READS).items()),
            "",
        ]
    )


def _memory(found: Mapping[str, Any]) -> str:
    return (
        f"The server's memory: {found['resident_mib_at_start']:,} MiB before the first request,"
        f" {found['resident_mib_at_end']:,} MiB after {found['ingested']:,} more events."
    )


def _about(found: Mapping[str, Any]) -> str:
    return (
        f"`closedwon serve` over a state of {found['events']:,} sealed events of"
        f" {found['customers']:,} customers with a contract and a prepaid commit each; two months"
        " are final, the third is open, so a draft and a balance are priced over a third of the"
        f" events. `wrk` asks over loopback with {found['connections']} connections"
        f" ({found['few_connections']} for balances, drafts and streams) and shares the machine's"
        f" {found['cores']} cores with the server. Every figure stands beside that of the bare"
        " endpoint `/healthz` of the same server, measured right before it with as many"
        " connections. An answer to usage comes after it is synced to disk. Reads are of all"
        " customers in turn; `again` is of few, whose usage is remembered until they send more."
    )


def _row(one: Mapping[str, Any], told: str) -> str:
    events = f"{one['events_per_second']:,}" if "events_per_second" in one else ""
    return (
        f"| {told} | {one['per_second']:,} | {events} | {one['p50_ms']:,} ms | {one['p99_ms']:,} ms"
        f" | {one['bare_per_second']:,} | {one['bare_p50_ms']:,} ms | {one['bare_p99_ms']:,} ms |"
    )


def _one(found: Mapping[str, Any], name: str, figure: str) -> str:
    return f"{found[name][figure]:,}"
