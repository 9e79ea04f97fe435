"""Figures for Salesforce: what the Meter_* rows of a customer should say (salesforce.md 10.2).

Pure: the same account, bill and day give the same rows. Amounts are exact numbers in major units,
rounded once to the currency's minor unit; an end is exclusive where the field is a datetime and the
last day where it is a date.
"""

from closedwon.finance.figures.commit import commit_rows, period_rows
from closedwon.finance.figures.contract import contract_rows
from closedwon.finance.figures.customer import customer_row
from closedwon.finance.figures.picture import Picture
from closedwon.finance.figures.row import WantedRow
from closedwon.finance.figures.spend import spend_rows
from closedwon.finance.figures.sync_record import SyncState, sync_row

__all__ = ["Picture", "SyncState", "WantedRow", "customer_rows", "sync_row"]


def customer_rows(picture: Picture) -> tuple[WantedRow, ...]:
    """Every row of one customer, parents before children."""
    return (
        customer_row(picture),
        *contract_rows(picture),
        *commit_rows(picture),
        *period_rows(picture),
        *spend_rows(picture),
    )
