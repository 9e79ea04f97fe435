"""docs/performance.md, written from what the billed year measured."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def page(figures: Mapping[str, Any]) -> str:
    """The page: ratios first, because they travel between machines; then times and growth."""
    return "\n".join([*_ratios(figures), *_sides(figures), *_growth(figures), ""])


def _ratios(figures: Mapping[str, Any]) -> Iterator[str]:
    ours = figures["ours"]
    yield "# What a billed year costs"
    yield from (
        "",
        "Written by `python -m benchmarks year` (part of `make bench`); edit nothing here.",
        "",
    )
    yield (
        f"A year of {figures['events']:,} events of {figures['customers']:,} customers is billed"
        f" in twelve monthly runs, in order: {figures['products']} products, a third of them with"
        " tiered prices, and a prepaid commit each, which pays for three quarters of the products"
        f" and runs out for {ours['exhausted']:,} customers. A run is one metering query over the"
        " sealed usage store and pure pricing of plain contracts as columns. It says for every"
        " invoice what was used, what the commit paid and what is due, and for every line its"
        " product, tier and cover. All sides end in the same amounts, to the last digit"
        f" (checksum `{ours['checksum']}`)."
    )
    yield ""
    rows = [
        (
            "time of the same totals in DuckDB SQL written by hand for this case",
            f"{figures['ratio']} x",
            f"at most {figures['aim']} x",
        ),
        ("the same as CPU time", f"{figures['cpu_ratio']} x", f"at most {figures['aim']} x"),
        (
            "a plain Python loop with Decimals over usage that is summed already, over our pricing",
            f"{figures['faster_than_loop']} x as long",
            f"at least {figures['aim_loop']} x",
        ),
        (
            "the same as CPU time",
            f"{figures['cpu_faster_than_loop']} x as long",
            f"at least {figures['aim_loop']} x",
        ),
        ("peak memory", f"{ours['peak_mib']} MiB", f"under {figures['aim_mib']} MiB"),
    ]
    yield from _table(("measured against", "ours", "aim"), rows)
    yield ""


def _sides(figures: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Times behind the ratios", "")
    yield (
        "Each side ran in a process of its own, one after the other; the best of a few runs. Our"
        " metering and the SQL read the same Parquet files. The loop gets its usage for nothing."
        " Wall-clock times depend on what else the machine does; CPU times hardly do."
    )
    yield ""
    told = {
        "ours": "ours",
        "sql": "DuckDB SQL by hand, one statement",
        "loop": "Python loop, usage given",
    }
    rows = [
        (
            name,
            f"{side['seconds']:.2f} s",
            f"{side['cpu_s']:.2f} s",
            f"{side['metering_s']:.2f} s" if "metering_s" in side else "",
            f"{side['pricing_s']:.2f} s" if "pricing_s" in side else "",
            f"{side['peak_mib']:,} MiB",
        )
        for key, name in told.items()
        for side in [figures[key]]
    ]
    yield from _table(("side", "time", "CPU", "of it metering", "pricing", "peak memory"), rows)
    ours = figures["ours"]
    yield ""
    yield (
        f"Ours made {ours['invoices']:,} invoices and {ours['lines']:,} priced lines:"
        f" {ours['pricing_cpu_s'] / ours['invoices'] * 1e6:.1f} microseconds of CPU per invoice"
        " after metering. What is left is the floor of the query: reading the events' JSON takes"
        " both sides the same, and ours also checks that every number is one (R25), finds customers"
        " by alias (R21) and cuts by time (R131)."
    )
    yield ""


def _growth(figures: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## How cost grows", "")
    yield (
        "One dimension at a time. Metering follows events; pricing follows customers, and products"
        " times the stretches between cuts; neither follows hours. `cuts` are price changes inside"
        " every month, of every product, by overrides of every contract. Times are CPU seconds for"
        " the whole year, which other work on the machine disturbs least."
    )
    yield ""
    rows = [
        (
            f"**{row['varied']}**",
            *(
                f"**{row[name]:,}**" if name == row["varied"] else f"{row[name]:,}"
                for name in ("customers", "products", "events", "cuts")
            ),
            f"{row['cpu_s'] - row['pricing_cpu_s']:.2f} s",
            f"{row['pricing_cpu_s']:.2f} s",
            f"{row['lines']:,}",
            f"{row['peak_mib']} MiB",
        )
        for row in figures["growth"]
    ]
    heads = ("varied", "customers", "products", "events", "cuts", "metering", "pricing", "lines")
    yield from _table((*heads, "peak memory"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
