"""Keys of what recurs: subscriptions, and commits and credits of every period."""

from closedwon.deals.mapping.shapes import Choice, Fixed, Key, Named
from closedwon.deals.mapping.words import (
    AMOUNT,
    ANY_OR_TABLE,
    APPLIES,
    DATE,
    PRODUCT,
    TEXT,
    TEXT_OR_TABLE,
    TRUTH,
)

SUBSCRIPTION = Fixed(
    doc="A recurring fee; product and frequency choose the rate (R216).",
    keys={
        "key": Key(
            shape=TEXT,
            doc="What identifies it on the contract, amendments included; product and frequency.",
        ),
        "product": Key(
            shape=TEXT_OR_TABLE, doc="Subscription product: its id or `sku:<code>`.", required=True
        ),
        "name": Key(shape=TEXT, doc="Name on invoices.", required=True),
        "frequency": Key(
            shape=TEXT_OR_TABLE,
            doc='"MONTHLY", "QUARTERLY", "ANNUAL" or "WEEKLY".',
            required=True,
        ),
        "quantity": Key(
            shape=AMOUNT,
            doc="Seats or units; in an amendment, what the subscription gets more or less.",
            required=True,
        ),
        "start": Key(shape=DATE, doc="First day.", required=True),
        "end": Key(shape=DATE, doc="Last day (inclusive); blank is the contract's end."),
        "collection": Key(shape=TEXT, doc='"ADVANCE" (default) or "ARREARS".'),
        "prorated": Key(shape=TRUTH, doc="Whether parts of a period cost their share; no."),
        "increases": Key(
            shape=Choice(words=("immediately", "next_collection")),
            doc="When an increase inside a period is billed; immediately, in arrears always next.",
        ),
        "periods": Key(
            shape=Choice(words=("own", "statement")),
            doc="own (default in advance): counted from `start`; statement: as usage is billed.",
        ),
        "price": Key(
            shape=AMOUNT,
            doc="The contract's own price per unit and period (major units); blank is the card's.",
        ),
        "custom_fields": Key(shape=Named(element=ANY_OR_TABLE), doc="Custom fields."),
    },
)
LINK = Fixed(
    doc="The subscription whose seats it follows; amounts are per seat then (R229).",
    keys={
        "key": Key(shape=TEXT, doc="Key of the subscription.", required=True),
        "prorated": Key(
            shape=TRUTH, doc="Whether seats added inside a period are granted their share; no."
        ),
    },
)
RECURRING_CREDIT = Fixed(
    doc="Free balance granted once a period (R201).",
    keys={
        **PRODUCT,
        "amount": Key(shape=AMOUNT, doc="Balance of one period (major units).", required=True),
        "start": Key(shape=DATE, doc="First day.", required=True),
        "end": Key(shape=DATE, doc="Last day (inclusive); blank is the contract's end."),
        "frequency": Key(
            shape=TEXT_OR_TABLE, doc="Length of a period; blank follows the usage statement."
        ),
        "duration_periods": Key(shape=AMOUNT, doc="Periods each balance lasts; 1."),
        "proration": Key(
            shape=Choice(words=("NONE", "FIRST", "LAST", "FIRST_AND_LAST")),
            doc="Which partial periods are granted a share; FIRST_AND_LAST.",
        ),
        "rollover_fraction": Key(shape=AMOUNT, doc="0..1 of what may roll into a renewal."),
        **APPLIES,
        "subscription": Key(shape=LINK, doc="Seats it follows."),
        "custom_fields": Key(shape=Named(element=ANY_OR_TABLE), doc="Custom fields."),
    },
)
RECURRING_COMMIT = Fixed(
    doc="A commitment granted and paid once a period (R201).",
    keys={
        **RECURRING_CREDIT.keys,
        "price": Key(shape=AMOUNT, doc="What a period costs (major units); blank grants for free."),
    },
)
