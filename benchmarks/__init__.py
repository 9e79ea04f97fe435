"""Benchmarks: each compares ours with a baseline measured in the same run.

A benchmark is a module with ``run(*, small: bool) -> Mapping`` whose answer is JSON-ready and holds
at least ``ratio`` (what it means, and which way is better, stands in the module's docstring) and,
where both sides must agree, ``equal``; or only ``skipped``, why nothing was measured. One with
``PAGE`` and ``page(figures)`` also writes its part of that page of docs/ when it is run in full. To
add one: a file here and a line in BENCHMARKS.
"""

BENCHMARKS = {
    "ingest": "benchmarks.ingest",
    "metering": "benchmarks.metering",
    "invoice_run": "benchmarks.invoice_run",
    "year": "benchmarks.year",
    "extract": "benchmarks.extract",
    "load": "benchmarks.load",
}
"""Name on the command line -> module."""
