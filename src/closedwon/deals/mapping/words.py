"""Shapes that keys of several parts of a mapping file share."""

from closedwon.deals.mapping.shapes import FormulaText, Key, Text

AMOUNT = FormulaText(types=("NUMBER",))
DATE = FormulaText(types=("DATE",))
TRUTH = FormulaText(types=("BOOLEAN",))
TEXT = FormulaText(types=("TEXT",))
TEXT_OR_TABLE = FormulaText(types=("TEXT",), or_lookup=True)
ANY = FormulaText(types=("NUMBER", "TEXT", "DATE", "DATETIME", "BOOLEAN"))
ANY_OR_TABLE = FormulaText(types=ANY.types, or_lookup=True)
CODE = Text(pattern=r"[a-z][a-z0-9_]*", expected="a code of small letters, digits and _")
ID = Text(pattern=r"[a-z][a-z0-9_-]*", expected="an id of small letters, digits, _ and -")

APPLIES = {
    "tags": Key(shape=TEXT_OR_TABLE, doc="Product tags, separated by ';'; any of them."),
    "products": Key(shape=TEXT_OR_TABLE, doc="Product keys, separated by ';'; any of them."),
    "priority": Key(shape=AMOUNT, doc="Lower goes first."),
}
PRODUCT = {
    "key": Key(shape=TEXT, doc="What identifies the term inside the deal; Id of the row."),
    "product": Key(shape=TEXT_OR_TABLE, doc="Product id, or `sku:<code>`.", required=True),
    "product_name": Key(shape=TEXT, doc="Name of a product that must be created."),
    "name": Key(shape=TEXT, doc="Name on invoices.", required=True),
}
