"""The application: every concrete thing, made from settings when it is first needed."""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Self, assert_never

from sqlite_utils import Database

from closedwon.crm.salesforce import SalesforceCrm
from closedwon.deals.types import Deal, Rejected, Terms
from closedwon.engine import Engine
from closedwon.formula.schema import Schema
from closedwon.kernel.errors import NotFound, RetryLater
from closedwon.kernel.ids import id18
from closedwon.ports import Gone, Target, Unready
from closedwon.settings import Settings
from closedwon.step import Step
from closedwon.store.database import close, open_database, writing
from closedwon.store.line import LineStore
from closedwon.store.migrations import migrate
from closedwon.sync.apply import Apply
from closedwon.sync.assemble import Assemble
from closedwon.sync.backfill import Backfill
from closedwon.sync.figures import Figures
from closedwon.sync.finalize import Finalize
from closedwon.sync.map import Map
from closedwon.sync.plan import MakePlan
from closedwon.sync.poll import Poll
from closedwon.sync.push import Push
from closedwon.sync.retries import Retries
from closedwon.sync.seal import Seal
from closedwon.sync.sweep import Sweep
from closedwon.sync.watch import Watch
from closedwon.targets import MetronomeTarget
from closedwon.transport import open_client
from closedwon.usage import UsageLog, open_usage
from closedwon.wiring.choices import billing_settings, poll_options
from closedwon.wiring.clocks import check_real_time
from closedwon.wiring.delivery import deliveries, metering
from closedwon.wiring.lock import writer_lock
from closedwon.wiring.mappings import DealWork, Mappings, read_mapping
from closedwon.wiring.org import Org
from closedwon.wiring.places import share
from closedwon.wiring.target import bills_here, chosen_target, remote_target

BACKFILL_BATCH = 1000
"""Deals a backfill reads at a time."""
CATALOG_CODES = ("product_unknown", "tag_unknown", "rate_card_unknown", "currency_unknown")
"""Findings that a change of the catalogue may settle."""
FOLLOW_CODES = ("amends_unknown",)
"""Findings that the arrival of another deal's contract may settle."""


def system_clock() -> datetime:
    """The machine's clock, UTC."""
    return datetime.now(UTC)  # noqa: TID251 the one place that reads the clock


def build(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = system_clock,
    sleep: Callable[[float], None] = time.sleep,  # noqa: TID251 the one place that waits
    schema: Schema | None = None,
) -> "App":
    """The application of ``settings``; nothing is opened before its first use.

    ``schema`` describes the org's objects instead of asking the org, for work offline.
    """
    return App(settings, clock, sleep, schema)


class App:
    """Holds the state of one thread; use it as a context manager or call ``close``."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        schema: Schema | None = None,
        usage: UsageLog | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.sleep = sleep
        self._schema = schema
        self._usage = usage
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened, newest first."""
        self._open.close()

    def lock(self) -> None:
        """Become the one that runs the line; raises LockHeld, ConfigError for a test's state."""
        self._open.enter_context(writer_lock(self.settings.state_dir, self.sleep))
        check_real_time(self.db)

    @cached_property
    def db(self) -> Database:
        """The state file, brought up to date."""
        db = open_database(self.settings.state_file)
        self._open.callback(close, db)
        migrate(db)
        return db

    @cached_property
    def store(self) -> LineStore:
        """The line's tables."""
        return LineStore(self.db)

    @cached_property
    def usage(self) -> UsageLog:
        """The usage store, or the one that was given, which its giver closes."""
        if self._usage is not None:
            return self._usage
        log = open_usage(
            self.settings.usage_dir,
            backdating_days=self.settings.usage_backdating_days,
            metrics_retroactive=self.settings.usage_metrics_retroactive,
        )
        self._open.callback(log.close)
        return log

    @cached_property
    def engine(self) -> Engine:
        """The billing engine."""
        return Engine(self.db, self.usage, billing_settings(self.settings))

    @cached_property
    def org(self) -> Org:
        """The session with Salesforce."""
        client = open_client()
        self._open.callback(client.close)
        return Org(self.settings, client, self.clock, self.sleep)

    @cached_property
    def mappings(self) -> Mappings:
        """The mapping files, checked against the org's objects. Raises MappingError."""
        schema = self.org.schema if self._schema is None else self._schema
        newest = self.settings.mapping or share() / "mappings" / "cpq.yaml"
        files = (newest, *self.settings.older_mappings)
        return Mappings(tuple(read_mapping(file, schema) for file in files))

    @cached_property
    def crm(self) -> SalesforceCrm:
        """Salesforce as the line sees it."""
        return SalesforceCrm(
            self.org.session,
            self.mappings.newest.source,
            fingerprint=self.mappings.fingerprint,
            patience=self.org.patience,
            settle=timedelta(seconds=self.settings.settle_seconds),
        )

    @cached_property
    def work(self) -> DealWork:
        """What the steps ask about a deal."""
        return DealWork(self.mappings, self.engine, self.store)

    @cached_property
    def target(self) -> Target:
        """Where terms are provisioned."""
        return chosen_target(self.settings, self._open, self.engine, self.sleep)

    @property
    def remote_target(self) -> MetronomeTarget:
        """The target beyond the wire; raises ConfigError when our engine is the target."""
        return remote_target(self.settings, self._open, self.engine, self.sleep)

    @property
    def inbound(self) -> tuple[Step, ...]:
        """Steps from the CRM to billing."""
        return (
            Retries(store=self.store, ticks=self.org.ticks),
            self._poll(),
            *self.deal_steps(),
        )

    def deal_steps(self, reads_max: int = 10, batch_max: int = 200) -> tuple[Step, ...]:
        """Steps that carry deals already seen to billing; the numbers are those of Assemble."""
        return (
            Assemble(
                store=self.store,
                crm=self.crm,
                mapping_versions=self.mappings.versions,
                reads_max=reads_max,
                batch_max=batch_max,
            ),
            Map(store=self.store, terms_of=self.work.terms_of, withdrawn=self.work.withdrawn),
            MakePlan(store=self.store, plan_of=self.work.plan_of, exists=self.work.exists),
            self.apply,
        )

    @property
    def outbound(self) -> tuple[Step, ...]:
        """Steps from billing to the CRM; none when pushing is turned off."""
        if not self.settings.push_enabled:
            return ()
        return (self.figures, Push(store=self.store, crm=self.crm))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The whole line in order."""
        return (*self.inbound, *self.closing, *self.outbound)

    @property
    def closing(self) -> tuple[Step, ...]:
        """The steps that freeze invoices, tell of them and seal usage; a remote target bills."""
        seal = Seal(seal=self.usage.seal)
        if not bills_here(self.settings):
            return (seal,)
        metered = metering(self.settings, self.engine)
        return (self.watch, Finalize(engine=self.engine), *metered, *self.delivering, seal)

    @cached_property
    def watch(self) -> Watch:
        """The step that notices; it remembers what it looked at last."""
        return Watch(engine=self.engine)

    @cached_property
    def delivering(self) -> tuple[Step, ...]:
        """The step that sends webhooks and invoices; none when there are none to send."""
        return deliveries(self.settings, self._open, self.engine, self.clock)

    @property
    def sweeping(self) -> tuple[Step, ...]:
        """The nightly comparison of every deal."""
        return (Sweep(store=self.store, crm=self.crm, root=self.mappings.newest.source.root),)

    @property
    def apply(self) -> Apply:
        """The step that writes billing."""
        plan_of, target = self.work.plan_of, self.target
        return Apply(store=self.store, plan_of=plan_of, target=target, unblocks=FOLLOW_CODES)

    @property
    def figures(self) -> Figures:
        """The step that computes what Salesforce should show."""
        return Figures(
            store=self.store,
            engine=self.engine,
            environment=self.settings.environment,
            root=self.mappings.newest.source.root,
            console_url=self.settings.console_url,
            bills_here=bills_here(self.settings),
        )

    def see(self, opportunity_ids: Iterable[str], now: datetime) -> None:
        """Have these deals read again, whether or not a poll saw them."""
        with writing(self.db):
            self.store.watermarks.pin_org(self.crm.org_id(), now)
            self.store.deals.mark(opportunity_ids, now)

    def tried(self, opportunity_id: str, now: datetime) -> Terms | Rejected:
        """What the mapping makes of a deal as Salesforce has it now; raises NotFound, RetryLater.

        Nothing is kept but the org's id, so use it on a rehearsal.
        """
        with writing(self.db):
            self.store.watermarks.pin_org(self.crm.org_id(), now)
        found = self.crm.deal(id18(opportunity_id), self.crm.server_now())
        match found:
            case Gone():
                raise NotFound("no such opportunity can be read", opportunity=opportunity_id)
            case Unready():
                raise RetryLater(found.reason, opportunity=opportunity_id)
            case Deal():
                return self.work.terms_of(found, now)[1]
            case _:
                assert_never(found)

    def backfill(self, rate_per_minute: int | None = None) -> Backfill:
        """History through the same steps; what is unreadable now is parked at once."""
        batch = BACKFILL_BATCH if rate_per_minute is None else min(BACKFILL_BATCH, rate_per_minute)
        return Backfill(
            store=self.store,
            crm=self.crm,
            source=self.mappings.newest.source,
            steps=self.deal_steps(reads_max=1, batch_max=batch),
            sleep=self.sleep,
            rate_per_minute=rate_per_minute,
            batch_max=batch,
            settle_s=self.settings.settle_seconds,
        )

    def _poll(self) -> Poll:
        source, options = self.mappings.newest.source, poll_options(self.settings)
        return Poll(store=self.store, crm=self.crm, source=source, options=options)
