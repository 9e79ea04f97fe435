"""One digest over everything that says what is billed (G4, G5)."""

import hashlib
import json

from sqlite_utils import Database

TABLES = (
    "credit_type",
    "metric",
    "product",
    "product_version",
    "rate_card",
    "rate_card_alias",
    "rate",
    "customer",
    "customer_alias",
    "custom_field_key",
    "custom_field_value",
    "uniqueness_key",
    "named_schedule_update",
    "package",
    "package_alias",
    "contract_edit",
    "customer_term_edit",
    "contract",
    "invoice",
    "invoice_line",
    "invoice_issue_date",
    "customer_billable",
    "ledger_entry",
    "ledger_taken_back",
    "journal_entry",
    "posting",
)
"""Audit rows and parked customers say what was tried, not what is billed."""


def content_hash(db: Database) -> str:
    """SHA-256 over the rows of TABLES in key order; equal content gives an equal hash.

    When a contract is looked at next (``due_at``) is scheduling, not content.
    """
    seen = hashlib.sha256()
    for table in TABLES:
        columns = [c for c in (column.name for column in db[table].columns) if c != "due_at"]
        names = ", ".join(columns)
        for row in db.conn.execute(f"select {names} from {table} order by {names}"):  # noqa: S608 ours
            seen.update(json.dumps([table, *row]).encode())
    return seen.hexdigest()
