"""Objects and fields: built in (standard and SBQQ) and from SFDX source.

``org_schema(source)`` builds the schema of an org from the shipped facts and, when given, the
SFDX folder (``salesforce/``) an admin would deploy.
"""

from pathlib import Path

from closedwon.devorg.schema.builtin import builtin_objects
from closedwon.devorg.schema.sfdx import with_source
from closedwon.devorg.schema.types import (
    ChildLink,
    FieldDef,
    ObjectInfo,
    OrgSchema,
    Picklist,
    Summary,
)

__all__ = [
    "ChildLink",
    "FieldDef",
    "ObjectInfo",
    "OrgSchema",
    "Picklist",
    "Summary",
    "org_schema",
]


def org_schema(source: Path | None = None) -> OrgSchema:
    """Standard and SBQQ objects, with what the SFDX project at ``source`` adds.

    Raises ConfigError with the file for source that cannot be read or contradicts the org.
    """
    objects = builtin_objects()
    return OrgSchema(objects if source is None else with_source(objects, source))
