"""Every aggregate of billing over one connection."""

from sqlite_utils import Database

from closedwon.store.alerts import Alerts
from closedwon.store.audit import Audit
from closedwon.store.catalogue import Catalogue
from closedwon.store.contracts import Contracts
from closedwon.store.custom_fields import CustomFields
from closedwon.store.customer_terms import CustomerTerms
from closedwon.store.customers import Customers
from closedwon.store.embedded_links import EmbeddedLinks
from closedwon.store.events import Events
from closedwon.store.families import Families
from closedwon.store.idempotency import IdempotentAnswers
from closedwon.store.invoices import Invoices
from closedwon.store.journal import Journal
from closedwon.store.keys import UniquenessKeys
from closedwon.store.ledger import Ledger
from closedwon.store.marks import Marks
from closedwon.store.metering import MeterReports
from closedwon.store.moments import Moments
from closedwon.store.named_schedules import NamedSchedules
from closedwon.store.outbox import Outbox
from closedwon.store.packages import Packages
from closedwon.store.problems import BillingProblems
from closedwon.store.providers import BillingProviders
from closedwon.store.revenue_systems import RevenueSystems
from closedwon.store.test_clock import StandingClock
from closedwon.store.tokens import Tokens


class Stores:
    """A command joins the transaction of its caller (``database.writing``)."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.catalogue = Catalogue(db)
        self.customers = Customers(db)
        self.custom_fields = CustomFields(db)
        self.keys = UniquenessKeys(db)
        self.answers = IdempotentAnswers(db)
        self.tokens = Tokens(db)
        self.embedded_links = EmbeddedLinks(db)
        self.contracts = Contracts(db)
        self.families = Families(db)
        self.customer_terms = CustomerTerms(db)
        self.packages = Packages(db)
        self.named_schedules = NamedSchedules(db)
        self.invoices = Invoices(db)
        self.marks = Marks(db)
        self.ledger = Ledger(db)
        self.journal = Journal(db)
        self.problems = BillingProblems(db)
        self.audit = Audit(db)
        self.events = Events(db)
        self.alerts = Alerts(db)
        self.moments = Moments(db)
        self.outbox = Outbox(db)
        self.providers = BillingProviders(db)
        self.revenue_systems = RevenueSystems(db)
        self.test_clock = StandingClock(db)
        self.meter_reports = MeterReports(db)
