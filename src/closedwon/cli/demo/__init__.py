"""The demo: one deal from signature to renewal, on a local org, with a clock that can be moved."""
