"""The line's own tables: what was seen, what it became, what waits, what was parked and pushed."""

from sqlite_utils import Database

from closedwon.store.line.backfills import Backfills
from closedwon.store.line.crm_records import CrmRecords
from closedwon.store.line.deals import Deals
from closedwon.store.line.parked import ParkedRows
from closedwon.store.line.plans import Plans
from closedwon.store.line.push_rows import PushRows
from closedwon.store.line.remote import RemoteBook
from closedwon.store.line.run_log import RunLog
from closedwon.store.line.tables import m020_line_tables
from closedwon.store.line.watermarks import Watermarks

__all__ = [
    "Backfills",
    "CrmRecords",
    "Deals",
    "LineStore",
    "ParkedRows",
    "Plans",
    "PushRows",
    "RemoteBook",
    "RunLog",
    "Watermarks",
    "m020_line_tables",
]


class LineStore:
    """Every aggregate of the line over one connection; a command joins the caller's transaction."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.watermarks = Watermarks(db)
        self.records = CrmRecords(db)
        self.deals = Deals(db)
        self.parked = ParkedRows(db)
        self.plans = Plans(db)
        self.pushes = PushRows(db)
        self.runs = RunLog(db)
        self.backfills = Backfills(db)
