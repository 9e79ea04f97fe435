"""The keys of a mapping file (design 5); loader and published JSON Schema both read this."""

from closedwon.deals.mapping.language_recurring import (
    RECURRING_COMMIT,
    RECURRING_CREDIT,
    SUBSCRIPTION,
)
from closedwon.deals.mapping.shapes import (
    Choice,
    Day,
    Fixed,
    Key,
    ListOf,
    Named,
    Number,
    Text,
)
from closedwon.deals.mapping.words import (
    AMOUNT,
    ANY_OR_TABLE,
    APPLIES,
    CODE,
    DATE,
    ID,
    PRODUCT,
    TEXT,
    TEXT_OR_TABLE,
    TRUTH,
)

CHECK_KEYS = {
    "code": Key(shape=CODE, doc="Stable code of the finding.", required=True),
    "must": Key(shape=TRUTH, doc="What must hold.", required=True),
    "message": Key(shape=Text(), doc="What is wrong when it does not.", required=True),
    "fix": Key(shape=Text(), doc="What to do about it, and where.", required=True),
    "severity": Key(shape=Choice(words=("park", "warn")), doc="park (default) or warn."),
}
CHECK = Fixed(keys=CHECK_KEYS, doc="A condition on each row the rule matches.")
DEAL_CHECK = Fixed(
    keys={**CHECK_KEYS, "for": Key(shape=Text(), doc="deal (default) or a child collection.")},
    doc="A condition on the deal or on every row of a collection.",
)

CHILD = Fixed(
    doc="Child rows of a deal.",
    keys={
        "object": Key(shape=Text(), doc="API name of the child object.", required=True),
        "link": Key(shape=Text(), doc="Field of the child that points up.", required=True),
        "parent": Key(shape=Text(), doc="deal.<field> or <child>.<field>.", required=True),
        "to_root": Key(shape=Text(), doc="Path from a row to the root's Id.", required=True),
        "order_by": Key(shape=Text(), doc="Field the rows are read by; Id by default."),
        "optional": Key(
            shape=Choice(words=("yes", "no")),
            doc="yes: an org without this object simply has no such rows.",
        ),
    },
)

SOURCE = Fixed(
    doc="What is read from the CRM; the fields follow from the formulas.",
    keys={
        "root": Key(shape=Text(), doc="API name of the deal object.", required=True),
        "trigger": Key(shape=Text(), doc="SOQL condition of a won deal.", required=True),
        "closed_on": Key(shape=Text(), doc="Date field backfill selects by; CloseDate."),
        "won": Key(shape=TRUTH, doc="Whether the deal is still won."),
        "children": Key(shape=Named(element=CHILD), doc="Child collections.", required=True),
    },
)

CUSTOMER = Fixed(
    doc="Who is billed.",
    keys={
        "account_id": Key(shape=TEXT, doc="Salesforce account id.", required=True),
        "name": Key(shape=TEXT, doc="Customer name.", required=True),
        "aliases": Key(shape=TEXT, doc="Ingest aliases, separated by ';'."),
        "custom_fields": Key(shape=Named(element=ANY_OR_TABLE), doc="Custom fields."),
    },
)

CONTRACT = Fixed(
    doc="The contract a deal creates or changes.",
    keys={
        "kind": Key(shape=TEXT, doc='"new", "amendment" or "renewal".', required=True),
        "amends": Key(shape=TEXT, doc="Id of the opportunity whose contract is amended."),
        "renews": Key(shape=TEXT, doc="Id of the opportunity whose contract is renewed."),
        "renewed_end": Key(shape=DATE, doc="Last day of the renewed contract (inclusive)."),
        "quote": Key(shape=TEXT, doc="Id of the quote, for explanations."),
        "name": Key(shape=TEXT, doc="Contract name."),
        "start": Key(shape=DATE, doc="First day.", required=True),
        "end": Key(shape=DATE, doc="Last day (inclusive); blank is open-ended."),
        "currency": Key(shape=TEXT, doc="ISO 4217 code.", required=True),
        "rate_card": Key(shape=TEXT_OR_TABLE, doc="Alias of the rate card; blank is none."),
        "payment_terms_days": Key(shape=ANY_OR_TABLE, doc="Net payment terms in days."),
        "total": Key(shape=AMOUNT, doc="What the terms must bill in all (major units)."),
        "worth": Key(
            shape=AMOUNT,
            doc="What the CRM says the deal is worth, for reconciliation; total when left out.",
        ),
        "total_tolerance": Key(shape=Number(), doc="Accepted difference; 0.01."),
        "custom_fields": Key(shape=Named(element=ANY_OR_TABLE), doc="Custom fields."),
    },
)

ACCESS = Fixed(
    doc="One access segment per row.",
    keys={
        "amount": Key(shape=AMOUNT, doc="Balance granted (major units).", required=True),
        "start": Key(shape=DATE, doc="First day.", required=True),
        "end": Key(shape=DATE, doc="Last day (inclusive).", required=True),
        "gaps": Key(shape=Choice(words=("reject", "allow")), doc="Days between segments."),
    },
)
SINGLE = Fixed(
    doc="One item when no row matches.",
    keys={
        "amount": Key(shape=AMOUNT, doc="Amount (major units).", required=True),
        "on": Key(shape=DATE, doc="Invoice date.", required=True),
    },
)
PAYMENTS = Fixed(
    doc="The invoice schedule of a commit.",
    keys={
        "for": Key(shape=Text(), doc="Collection that holds the installments."),
        "match": Key(shape=TEXT, doc="Formula on an installment that gives the commit key."),
        "amount": Key(shape=AMOUNT, doc="Amount of an installment (major units)."),
        "on": Key(shape=DATE, doc="Invoice date of an installment."),
        "otherwise": Key(shape=SINGLE, doc="Single item when no installment matches."),
        "difference": Key(
            shape=Choice(words=("reject", "warn", "allow")),
            doc="When payments and access differ; reject.",
        ),
    },
)
COMMIT = Fixed(
    doc="A commitment: access segments and their payments.",
    keys={
        **PRODUCT,
        "kind": Key(shape=TEXT, doc='"PREPAID" (default) or "POSTPAID".'),
        "access": Key(shape=ACCESS, doc="Access segments.", required=True),
        "payments": Key(shape=PAYMENTS, doc="Invoice schedule; none is complimentary."),
        "rollover_fraction": Key(shape=AMOUNT, doc="0..1 of what may roll into a renewal."),
        **APPLIES,
        "custom_fields": Key(shape=Named(element=ANY_OR_TABLE), doc="Custom fields."),
    },
)
CREDIT = Fixed(
    doc="Free balance.",
    keys={name: key for name, key in COMMIT.keys.items() if name not in ("kind", "payments")},
)
OVERRIDE = Fixed(
    doc="A contract's own rate.",
    keys={
        "key": Key(shape=TEXT, doc="What identifies the term inside the deal; Id of the row."),
        "start": Key(shape=DATE, doc="First day.", required=True),
        "end": Key(shape=DATE, doc="Last day (inclusive); blank is the contract's end."),
        "multiplier": Key(shape=AMOUNT, doc="Times the list price: 0.9 is 10 % off."),
        "price": Key(shape=AMOUNT, doc="Fixed unit price (major units)."),
        **APPLIES,
    },
)
SCHEDULE = Fixed(
    doc="A recurring schedule (R152, R153).",
    keys={
        "start": Key(shape=DATE, doc="First day.", required=True),
        "end": Key(shape=DATE, doc="Last day (inclusive).", required=True),
        "frequency": Key(
            shape=TEXT_OR_TABLE,
            doc='"MONTHLY", "QUARTERLY", "SEMI_ANNUAL", "ANNUAL", "WEEKLY" or "DAILY".',
            required=True,
        ),
        "amounts": Key(
            shape=Choice(words=("EACH", "DIVIDED", "DIVIDED_ROUNDED")),
            doc="Every date bears the amount, or its share of it.",
            required=True,
        ),
        "in_arrears": Key(shape=TRUTH, doc="Invoice at the end of each period."),
    },
)
CHARGE = Fixed(
    doc="Fixed amounts at points in time.",
    keys={
        **PRODUCT,
        "amount": Key(shape=AMOUNT, doc="Amount (major units).", required=True),
        "on": Key(shape=DATE, doc="Invoice date, for a single charge."),
        "schedule": Key(shape=SCHEDULE, doc="Recurring dates, instead of `on`."),
        "custom_fields": Key(shape=Named(element=ANY_OR_TABLE), doc="Custom fields."),
    },
)
REJECT = Fixed(
    doc="Parks the deal.",
    keys={
        "code": Key(shape=CODE, doc="Stable code of the finding.", required=True),
        "message": Key(shape=Text(), doc="What is wrong.", required=True),
        "fix": Key(shape=Text(), doc="What to do about it, and where.", required=True),
    },
)
RULE = Fixed(
    doc="The first rule that matches a row decides; the last one is `otherwise`.",
    keys={
        "id": Key(shape=ID, doc="Name of the rule, shown in explanations."),
        "for": Key(shape=Text(), doc="deal or a child collection."),
        "when": Key(shape=TRUTH, doc="Which rows; every row without it."),
        "group_by": Key(shape=TEXT, doc="Rows with an equal answer form one term."),
        "require": Key(shape=ListOf(element=CHECK), doc="Conditions on matched rows."),
        "commit": Key(shape=ListOf(element=COMMIT, or_single=True), doc="A commitment."),
        "credit": Key(shape=ListOf(element=CREDIT, or_single=True), doc="Free balance."),
        "override": Key(shape=ListOf(element=OVERRIDE, or_single=True), doc="An own rate."),
        "scheduled_charge": Key(
            shape=ListOf(element=CHARGE, or_single=True), doc="Fixed amounts at dates."
        ),
        "subscription": Key(
            shape=ListOf(element=SUBSCRIPTION, or_single=True), doc="A fee per seat and period."
        ),
        "recurring_commit": Key(
            shape=ListOf(element=RECURRING_COMMIT, or_single=True), doc="A commitment per period."
        ),
        "recurring_credit": Key(
            shape=ListOf(element=RECURRING_CREDIT, or_single=True), doc="Free balance per period."
        ),
        "custom_fields": Key(shape=Named(element=ANY_OR_TABLE), doc="Contract custom fields."),
        "ignore": Key(shape=Text(), doc="Why these rows bring nothing."),
        "reject": Key(shape=REJECT, doc="Why these rows cannot be mapped."),
        "otherwise": Key(
            shape=Choice(words=("reject", "ignore")), doc="What happens to a row nothing matched."
        ),
        "message": Key(shape=Text(), doc="Says why, with `otherwise`."),
        "fix": Key(shape=Text(), doc="What to do, with `otherwise: reject`."),
    },
)
POLICY = Choice(words=("apply", "hold", "ignore"))
POLICIES = Fixed(
    doc="What happens to a change that a person may want to see first.",
    keys={
        "edited_after_close": Key(shape=POLICY, doc="A provisioned deal was edited; hold."),
        "backdated": Key(shape=POLICY, doc="A change reaches into finalized periods; hold."),
        "renewed_late": Key(shape=POLICY, doc="A renewal starts after the old end; apply."),
        "renewed_early": Key(shape=POLICY, doc="A renewal starts before the old end; hold."),
        "unwon": Key(shape=POLICY, doc="A provisioned deal is no longer won; hold."),
    },
)
GATE = Fixed(
    doc="A plan of such a deal waits for a person.",
    keys={
        "id": Key(shape=CODE, doc="Stable code of the hold.", required=True),
        "when": Key(shape=TRUTH, doc="Formula on the deal.", required=True),
        "message": Key(shape=Text(), doc="Why it waits.", required=True),
        "fix": Key(shape=Text(), doc="What to look at before releasing it."),
    },
)
TABLE = Fixed(
    doc="A CSV file beside the mapping; the first line names the columns.",
    keys={
        "file": Key(shape=Text(), doc="File name under tables/.", required=True),
        "key": Key(shape=Text(), doc="Column that is looked up; the first one."),
    },
)
FIELD_TYPE = Text(
    pattern=r"[a-z]+(:[A-Za-z][A-Za-z0-9_]*)?",
    expected="a field type like string, or reference:SBQQ__QuoteLine__c",
)
MAPPING = Fixed(
    doc="How deals of one CRM model become billing terms.",
    keys={
        "name": Key(shape=ID, doc="Name of the mapping.", required=True),
        "description": Key(shape=Text(), doc="For people."),
        "effective_from": Key(shape=Day(), doc="First close date this file is meant for."),
        "source": Key(shape=SOURCE, doc="What is read.", required=True),
        "optional_fields": Key(
            shape=Named(element=Named(element=FIELD_TYPE)),
            doc="Fields an org may lack, by collection or object, with their type; then blank.",
        ),
        "tables": Key(shape=Named(element=TABLE), doc="Look-up tables."),
        "fields": Key(
            shape=Named(element=Named(element=ANY_OR_TABLE)),
            doc="Computed fields by collection; formulas use them like real fields.",
        ),
        "checks": Key(shape=ListOf(element=DEAL_CHECK), doc="Conditions on the deal."),
        "customer": Key(shape=CUSTOMER, doc="Who is billed.", required=True),
        "contract": Key(shape=CONTRACT, doc="The contract.", required=True),
        "products": Key(
            shape=Choice(words=("create", "require")),
            doc="What happens to a `sku:` product billing does not have; require.",
        ),
        "rules": Key(shape=ListOf(element=RULE), doc="What rows bring.", required=True),
        "policies": Key(shape=POLICIES, doc="What waits for a person."),
        "gates": Key(shape=ListOf(element=GATE), doc="Which deals wait for a person."),
    },
)
