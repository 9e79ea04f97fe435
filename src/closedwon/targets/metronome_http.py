"""Plans carried out by another billing system over Metronome's wire: Metronome, or closedwon.

Our own engine stays the copy plans are made against; what a plan asks for happens on the remote
first, in one request that is all or nothing, and then in the copy. Everything is asked for under a
key that follows from the plan, so a kill or a lost answer anywhere repeats nothing (G1, G15).
"""

from contextlib import suppress
from datetime import datetime

from closedwon.billing.contracts.edits import Create
from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    CreateProduct,
    CustomerTerms,
    EditContract,
    Plan,
)
from closedwon.engine import Engine
from closedwon.kernel.errors import InvariantBroken, Refused, RetryLater
from closedwon.ports import Applied, Target
from closedwon.store.database import writing
from closedwon.store.line.plans import plan_of
from closedwon.store.line.remote import CallState, RemoteBook
from closedwon.targets.metronome.calls import Calls, Effect
from closedwon.targets.metronome.catalogue import Catalogue
from closedwon.targets.metronome.contract import contract_body, uniqueness_key
from closedwon.targets.metronome.contracts import Contracts, Ids
from closedwon.targets.metronome.edits import (
    changed_fields,
    edit_body,
    fields_of,
)
from closedwon.targets.metronome.meaning import Meaning
from closedwon.targets.metronome.prepare import Preparation
from closedwon.targets.metronome.remote import Remote
from closedwon.targets.metronome.work import Work, work_of

REHEARSED_BY = "rehearsal"


class _TakenBackError(Exception):
    """Ends the transaction of a rehearsal."""


class MetronomeTarget:
    """``mirror`` is the target of our own copy, in ``engine``; they share one state file."""

    is_remote = True

    def __init__(self, engine: Engine, mirror: Target, remote: Remote) -> None:
        self._engine = engine
        self._mirror = mirror
        self._remote = remote
        self._book = RemoteBook(engine.db, remote.url)
        self._contracts = Contracts(self._book, remote)
        self._looked: tuple[datetime, Catalogue] | None = None

    def base(self, contract_id: str) -> str:
        """Digest of our copy."""
        return self._mirror.base(contract_id)

    def begun(self) -> tuple[Plan, ...]:
        """Plans with an effect that is, or may be, on the remote and not in our copy."""
        return tuple(plan_of(call.plan) for call in self._book.begun())

    def send(self, plan: Plan, *, now: datetime) -> None:
        """Provision the plan (ports.Target); our copy is asked first whether it would take it."""
        work = work_of(plan, now)
        known = None if work is None else self._book.find(work.call_id)
        if known is not None and known.is_applied and work is not None and known.plan == work.text:
            return
        if work is None or self._is_new(work):
            self._rehearse(plan, now)
        ready = Preparation(self._book, self._remote, now)
        self._prepare(plan, ready, now)
        if work is None:
            return
        self._check_alone(work)
        ready.allow_fields(work.fields)
        customer = ready.customer(self._customer_of(work))
        if known is not None and known.state is CallState.NOTED:
            contract = self._there("contract", work.contract_id)
        elif work.create is not None:
            contract = self._made(work, work.create, customer)
        else:
            contract = self._edited(work, customer)
        self._set_fields(work, contract, ready)

    def apply(self, plan: Plan, *, by: str, now: datetime) -> Applied:
        """Bring our copy to where the remote is; inside ``writing`` with the deal's own rows."""
        work = work_of(plan, now)
        call = None if work is None else self._book.find(work.call_id)
        if call is not None and call.state is not CallState.NOTED:
            raise InvariantBroken("a plan is sent before it is applied", call=call.id)
        applied = self._mirror.apply(plan, by=by, now=now)
        if call is not None and not call.is_applied:
            self._book.applied([call.id], now)
        return applied

    def accept(self, contract_id: str) -> int:
        """Take edits somebody made there as known; returns how many. Our copy stays as it is."""
        customer_id = self._engine.contract(contract_id).customer_id
        customer = self._there("customer", customer_id)
        rows = self._contracts.foreign_edits(customer, self._there("contract", contract_id))
        ids = {f"accepted:{row['id']}": str(row["id"]) for row in rows}
        with writing(self._engine.db):
            self._book.keep("edit", ids)
        return len(ids)

    def check(self) -> str:
        """Ask for something; raises AuthFailed or RetryLater. Answers where that was."""
        self._remote.get("/v1/customers", {"limit": "1"})
        return self._remote.url

    def _rehearse(self, plan: Plan, now: datetime) -> None:
        """Raise what our copy would, before anything leaves; nothing of it stays."""
        with suppress(_TakenBackError), writing(self._engine.db):
            self._mirror.apply(plan, by=REHEARSED_BY, now=now)
            raise _TakenBackError

    def _prepare(self, plan: Plan, ready: Preparation, now: datetime) -> None:
        for step in plan.steps:
            match step:
                case CreateCustomer(customer=terms):
                    ready.customer(terms)
                case CreateProduct(product=product):
                    ready.product(product, self._catalogue(now))
                case CreateContract() | EditContract():
                    pass

    def _check_alone(self, work: Work) -> None:
        """Raise RetryLater while another plan on the contract is not finished."""
        others = [
            call
            for call in self._book.open_on(work.contract_id)
            if (call.id, call.plan) != (work.call_id, work.text)
        ]
        if others:
            raise RetryLater(
                "an earlier plan for the contract is not finished on the target",
                contract=work.contract_id,
            )

    def _made(self, work: Work, create: Create, customer: str) -> str:
        """Remote id of the contract, created if it is not there."""
        follows = create.transition
        old = None if follows is None else self._there("contract", follows.from_contract_id)
        if old is not None and follows is not None and self._is_new(work):
            self._contracts.check_drift(customer, old, follows.from_contract_id)
        key = uniqueness_key(work.contract_id, create)
        effect = Effect(
            id=work.call_id,
            subject=work.contract_id,
            plan=work.text,
            path="/v1/contracts/create",
            body={
                "customer_id": customer,
                **contract_body(self._meaning(work), work.contract_id, create),
            },
            made=lambda answer: str(answer["data"]["id"]),
            find=lambda: self._contracts.with_key(customer, key),
        )
        contract = Calls(self._book, self._remote).carry_out(effect, work.now)
        ends = [] if old is None else self._contracts.follow_edits(customer, old)
        edits = {f"{work.call_id}:{one}": one for one in ends}
        self._note(work, customer, {"contract": {work.contract_id: contract}, "edit": edits})
        return contract

    def _edited(self, work: Work, customer: str) -> str:
        """Remote id of the contract, edited if it is not yet."""
        contract = self._there("contract", work.contract_id)
        ours = self._engine.contract(work.contract_id)
        body = edit_body(self._meaning(work), ours, work.changes)
        if not body:
            return contract
        if self._is_new(work):
            self._contracts.check_drift(customer, contract, work.contract_id, work.call_id)
        named = {
            "customer_id": customer,
            "contract_id": contract,
            "uniqueness_key": work.call_id,
        }
        effect = Effect(
            id=work.call_id,
            subject=work.contract_id,
            plan=work.text,
            path="/v2/contracts/edit",
            body=named | body,
            made=lambda answer: str(answer["data"]["edit"]["id"]),
            find=lambda: self._contracts.edit_with_key(customer, contract, work.call_id),
        )
        edit = Calls(self._book, self._remote).carry_out(effect, work.now)
        ids = {"contract": {work.contract_id: contract}, "edit": {work.call_id: edit}}
        self._note(work, customer, ids)
        return contract

    def _is_new(self, work: Work) -> bool:
        """Whether its call was never made, or refused."""
        known = self._book.find(work.call_id)
        return known is None or not (known.is_done or known.is_open)

    def _note(self, work: Work, customer: str, ids: Ids) -> None:
        """Keep the ids of what was made there."""
        shown = self._contracts.shown(customer, ids["contract"][work.contract_id])
        found = self._contracts.noted(shown, self._meaning(work), work.new, work.changed)
        with writing(self._engine.db):
            for kind, pairs in (ids | found).items():
                self._book.keep(kind, pairs)
            self._book.noted(work.call_id)

    def _set_fields(self, work: Work, contract: str, ready: Preparation) -> None:
        """Custom fields an edit changes; its endpoint has none (2.8)."""
        if work.create is not None:
            return
        ready.set_fields("contract", contract, fields_of(work.changes))
        ours = self._engine.contract(work.contract_id)
        for entity, term_id, fields in changed_fields(ours, work.changed):
            ready.set_fields(entity, self._there("term", term_id), fields)

    def _customer_of(self, work: Work) -> CustomerTerms:
        """The customer as the plan creates it, or as our copy has it."""
        for step in work.plan.steps:
            if isinstance(step, CreateCustomer):
                return step.customer
        known = work.create.customer_id if work.create else None
        found = self._engine.customer(known or self._engine.contract(work.contract_id).customer_id)
        return CustomerTerms(
            id=found.id,
            account_id=found.salesforce_account_id or "",
            name=found.name,
            ingest_aliases=found.ingest_aliases,
            custom_fields=found.custom_fields,
        )

    def _catalogue(self, now: datetime) -> Catalogue:
        """One look at the remote's catalogue per run."""
        if self._looked is None or self._looked[0] != now:
            self._looked = (now, Catalogue(self._remote, self._engine.catalog()))
        return self._looked[1]

    def _meaning(self, work: Work) -> Meaning:
        def there(kind: str, our_id: str) -> str:
            known = self._book.there(kind, our_id)
            if known is None and kind in ("product", "rate_card", "credit_type"):
                known = self._catalogue(work.now).find(kind, our_id)
                with writing(self._engine.db):
                    self._book.keep(kind, {our_id: known})
            return known or self._there(kind, our_id)

        return Meaning(there=there, fresh=frozenset(work.new.ids))

    def _there(self, kind: str, our_id: str) -> str:
        known = self._book.there(kind, our_id)
        if known is None:
            raise Refused(
                f"the target has no {kind.replace('_', ' ')} of ours with this id; it was made"
                " before the target was set, or by hand",
                id=our_id,
            )
        return known
