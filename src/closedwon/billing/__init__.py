"""Floor 1, pure: what a bill is.

Reading order: catalog/types, contracts/terms, contracts/edits, rating/demand, invoices/types, then
``bill.py``: the one function that draft, preview, backfill and finalization share (D2).
"""
