"""A plan as the remote is asked for it: one contract, made or edited in one request."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from closedwon.billing.contracts.edits import Added, Create
from closedwon.deals.fields import Fields, custom_fields
from closedwon.deals.types import CreateContract, EditContract, Plan
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import derive, digest
from closedwon.store.line.plans import plan_text
from closedwon.targets.metronome.edits import Change, brought


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One plan, and the one contract it makes or edits."""

    plan: Plan
    text: str
    """The plan as text."""
    call_id: str
    contract_id: str
    create: Create | None
    changes: tuple[Change, ...]
    new: Added
    """Terms the remote does not have yet."""
    changed: Added
    """Terms it has otherwise."""
    now: datetime

    @property
    def fields(self) -> Iterator[Fields]:
        """Custom fields it sets, by entity."""
        changes = self.changes if self.create is None else (self.create,)
        for change in changes:
            yield from custom_fields(change)


def work_of(plan: Plan, now: datetime) -> Work | None:
    """The contract of a plan; None when it touches none. Raises Refused for two."""
    steps: Sequence[CreateContract | EditContract] = [
        step for step in plan.steps if isinstance(step, CreateContract | EditContract)
    ]
    if not steps:
        return None
    ids = {step.contract_id for step in steps}
    creates = [step.create for step in steps if isinstance(step, CreateContract)]
    if len(ids) > 1 or (creates and len(steps) > 1):
        raise Refused("a plan changes one contract on the target, in one request")
    text = plan_text(plan)
    contract_id = steps[0].contract_id
    changes = tuple(step.change for step in steps if isinstance(step, EditContract))
    new, changed = (creates[0].terms, Added()) if creates else brought(changes)
    kind = ("create",) if creates else ("edit", digest(text.encode()))
    return Work(
        plan=plan,
        text=text,
        call_id=derive("remote", "contract", contract_id, *kind),
        contract_id=contract_id,
        create=creates[0] if creates else None,
        changes=changes,
        new=new,
        changed=changed,
        now=now,
    )
