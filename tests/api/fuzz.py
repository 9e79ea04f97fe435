"""schemathesis with all checks against a live server that has a world in it.

``cd tests && ../.venv/bin/python -m api.fuzz --examples 200`` for a long run; ``test_fuzz.py`` does
a short one with a fixed seed.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import click
import schemathesis
import structlog
from hypothesis import strategies as st
from schemathesis.engine import events, from_schema

from api.live import Server, running
from api.shop import Shop
from closedwon.store.tokens import Scope

Pool = Mapping[str, list[str]]
"""Name of a field or parameter -> ids of things of that kind."""
SHARE = 0.8
"""Part of the ids that are replaced with real ones."""
DEADLY = ("archive", "void", "DELETE")
DEADLY_SHARE = 0.05
"""Same, where a real id is lost for all that follows."""
PHASES = ("examples", "coverage", "fuzzing", "stateful")
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
HOURS, SECONDS = 5 * 365 * 24, 120 * 365 * 24 * 3600
INSTANTS = st.one_of(
    st.integers(0, HOURS).map(lambda hours: FIRST + timedelta(hours=hours)),
    st.integers(-SECONDS, SECONDS * 50).map(lambda seconds: FIRST + timedelta(seconds=seconds)),
).map(lambda instant: instant.isoformat().replace("+00:00", "Z"))
SOON = "2026-02-01T00:00:00Z"
SMALLEST, LARGEST = 1e-15, 1e20
"""Numbers nearer to zero have more places than the wire takes; beyond, more digits."""
FREE = {"properties", "custom_rate", "configuration", "value"}
"""Fields that hold any JSON: limits of it are the wire's own, no schema says them."""
DEPTH_MAX = 6


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, sent: Any) -> bytes:
    """A body that is text already."""
    return str(sent).encode(errors="replace")


def settings(examples: int, seed: int, secret: str, phases: Iterable[str] = PHASES) -> Any:
    """All checks; 501 is a documented answer, not a fault of the server."""
    wanted = set(phases)
    return schemathesis.Config.from_dict(
        {
            "headers": {"Authorization": f"Bearer {secret}"},
            "seed": seed,
            "generation": {"max-examples": examples, "allow-x00": False, "deterministic": True},
            "phases": {name: {"enabled": name in wanted} for name in PHASES},
            "checks": {
                "enabled": True,
                "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "501"]},
            },
        }
    )


def faults(server: Server, pool: Pool, config: Any, only: str = "") -> Iterator[str]:
    """Everything that schemathesis holds against the server, each in words."""
    schemathesis.openapi.format("date-time", INSTANTS)
    with server.http(*Scope) as http:
        document = http.get("/openapi.json").json()
    document["paths"] = {k: v for k, v in document["paths"].items() if only in k}
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.config.base_url = server.url
    _hook(schema, pool)
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                for checks in event.recorder.checks.values():
                    for one in checks:
                        if one.failure_info is not None:
                            found = one.failure_info
                            yield f"{event.label} [{one.name}] {found.failure}\n{found.code_sample}"
            case events.NonFatalError():
                yield f"{event.label} {event.info.message}"
            case events.FatalError():
                raise event.exception
            case _:
                continue


def _hook(schema: Any, pool: Pool) -> None:
    @schema.hook
    def filter_failure(_context: Any, failure: Any, _case: Any, response: Any) -> bool:
        """What has the right form may still be refused for its meaning."""
        code = (response.headers.get("x-closedwon-code") or [""])[0]
        accepted = type(failure).__name__ == "RejectedPositiveData" and response.status_code in (
            400,
            501,
        )
        return not (accepted and code != "invalid_request")

    @schema.hook
    def map_body(context: Any, body: Any) -> Any:
        return _real(body, pool, _share(context))

    @schema.hook
    def map_path_parameters(context: Any, path_parameters: Any) -> Any:
        return _real(path_parameters, pool, _share(context))

    @schema.hook
    def map_query(context: Any, query: Any) -> Any:
        return _real(query, pool, _share(context))


def _share(context: Any) -> float:
    label = context.operation.label
    return DEADLY_SHARE if any(word in label for word in DEADLY) else SHARE


def _real(found: Any, pool: Pool, share: float, name: str = "") -> Any:
    """With real ids in place of most made-up ones, chosen by what stands there."""
    match found:
        case dict():
            return {
                key: _sane(inner) if key in FREE else _real(inner, pool, share, str(key))
                for key, inner in found.items()
            }
        case list():
            return [_real(inner, pool, share, name.removesuffix("s")) for inner in found]
        case str() if name == "now":  # Of the clock: centuries fall due one by one.
            return min(found, SOON) if found.startswith("2") else found
        case str() if found and len(found) <= 100 and name in pool:
            dice = crc32(f"{name} {found!r}".encode())
            return pool[name][dice % len(pool[name])] if dice % 1000 < share * 1000 else found
        case float() if 0 < abs(found) < SMALLEST:
            return SMALLEST if found > 0 else -SMALLEST
        case _:
            return found


def _sane(found: Any, depth: int = 0) -> Any:
    """Any JSON within the limits of numbers and depth."""
    match found:
        case dict() | list() if depth > DEPTH_MAX:
            return None
        case dict():
            return {key: _sane(inner, depth + 1) for key, inner in found.items()}
        case list():
            return [_sane(inner, depth + 1) for inner in found]
        case float() | int() if abs(found) > LARGEST or 0 < abs(found) < SMALLEST:
            return 1
        case _:
            return found


def world(server: Server) -> Pool:
    """A catalogue, a customer and a contract; ids by the names of fields that mean them."""
    with server.sdk() as sdk:
        shop = Shop(sdk)
        contract = shop.contract(commits=[shop.prepaid(100000)])
        commit = shop.v2(contract).commits[0].id
        return {
            "customer_id": [shop.customer],
            "contract_id": [contract],
            "product_id": [shop.storage, shop.commit, shop.seat, shop.support],
            "applicable_product_id": [shop.storage],
            "rate_card_id": [shop.card],
            "rate_card_alias": ["card"],
            "commit_id": [commit],
            "credit_type_id": ["2714e483-4ff1-48e4-9e25-ac732e8f24f2"],
        }


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--examples", type=int, default=20)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--only", default="", help="part of the paths that are wanted")
    asked.add_argument("--phases", nargs="*", default=PHASES)
    given = asked.parse_args()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    count = 0
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "state") as server:
        config = settings(given.examples, given.seed, server.secret(*Scope), given.phases)
        for found in faults(server, world(server), config, given.only):
            count += 1
            click.echo(f"{found}\n{'-' * 80}")
    click.echo(f"{count} faults")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
