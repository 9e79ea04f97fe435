"""The Salesforce package we ship (``salesforce/``) against what an org has."""

from collections.abc import Mapping

from closedwon.finance.figures.row import ORDER
from closedwon.formula.schema import Schema
from closedwon.wiring.places import share

OBJECTS = "salesforce/force-app/main/default/objects"


def shipped() -> Mapping[str, frozenset[str]]:
    """Fields of every Meter_* object that is written, by object."""
    folder = share() / OBJECTS
    return {
        name: frozenset(
            file.name.removesuffix(".field-meta.xml")
            for file in (folder / name / "fields").glob("*.field-meta.xml")
        )
        for name in ORDER
    }


def missing(schema: Schema) -> list[str]:
    """Objects and fields the org lacks, or hides from us, as lines for a person."""
    found = []
    for name, fields in shipped().items():
        if name not in schema:
            found.append(f"object {name}")
            continue
        found += [f"field {name}.{field}" for field in sorted(fields - schema[name].keys())]
    return found
