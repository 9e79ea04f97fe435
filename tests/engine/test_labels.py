"""Custom fields of terms and products on lines (R365)."""

from collections.abc import Mapping

from billing.balances.test_recurring import recurring
from billing.world import at, charge, commit, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.invoices.types import Invoice

NOW = at("2025-01-15")


def world() -> Setup:
    found = setup()
    engine = found.engine
    for entity in ("commit", "scheduled_charge", "contract_product", "contract"):
        engine.add_custom_field_key(entity, "sku", False, at("2024-12-01"))
    add_catalog(
        engine,
        [usage("Calls"), fixed_product("commit"), fixed_product("fee")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(engine)
    promise = commit(
        "promise",
        ("5", "2025-01-01", "2026-01-01"),
        payments={"2025-01-02": "5"},
        custom_fields={"sku": "C-1"},
    )
    fee = charge("fee", {"2025-01-02": "1"})
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(
            commits=(promise,),
            charges=(type(fee)(**{**_fields(fee), "custom_fields": {"sku": "F-1"}}),),
            recurring=(recurring("grant", "2", custom_fields={"sku": "R-1"}),),
        ),
        custom_fields={"sku": "K-1"},
    )
    engine.create_contract("k", signed, by="test", now=at("2024-12-20"))
    engine.set_custom_fields("contract_product", "p-Calls", {"sku": "P-1"}, at("2024-12-20"))
    found.usage.use(event("customer", "Calls", at("2025-01-10"), "10"))
    return found


def _fields(struct: object) -> dict[str, object]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}  # type: ignore[attr-defined]


def shown(invoice: Invoice) -> list[tuple[str, Mapping[str, Mapping[str, str]]]]:
    return [(line.name, line.custom_fields) for line in invoice.lines]


def test_r365_lines_show_the_fields_of_what_they_are_about() -> None:
    engine = world().engine
    drafts = engine.bill("customer", NOW).invoices
    scheduled = next(i for i in drafts if i.end is None)
    statement = next(i for i in drafts if i.end is not None)

    assert dict(shown(scheduled)) == {
        "promise": {"commit": {"sku": "C-1"}},
        "fee": {"scheduled_charge": {"sku": "F-1"}},
    }
    found = {line.commit_id: line.custom_fields for line in statement.lines if line.total > 0}
    assert found[None] == {"product": {"sku": "P-1"}}
    assert found["promise"] == {"product": {"sku": "P-1"}, "commit": {"sku": "C-1"}}
    assert {"product": {"sku": "P-1"}, "commit": {"sku": "R-1"}} in found.values()
    assert statement.contract_custom_fields == {"sku": "K-1"}


def test_r365_drafts_are_current_and_final_lines_frozen() -> None:
    engine = world().engine
    engine.finalize(NOW)
    engine.set_custom_fields("commit", "promise", {"sku": "C-2"}, NOW)
    engine.finalize(at("2025-02-03"))
    engine.set_custom_fields("contract_product", "p-Calls", {"sku": "P-2"}, at("2025-02-04"))
    scheduled, statement = engine.invoices("customer")

    assert scheduled.lines[0].custom_fields == {"commit": {"sku": "C-1"}}
    own = next(line for line in statement.lines if line.commit_id == "promise" and line.total > 0)
    assert own.custom_fields == {"product": {"sku": "P-1"}, "commit": {"sku": "C-2"}}
    assert engine.findings() == ()
