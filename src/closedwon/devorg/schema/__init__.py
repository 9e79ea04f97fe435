"""Objects and fields: built in (standard and SBQQ) and from SFDX source.

``org_schema(source)`` builds the schema of an org from the shipped facts and, when given, the
SFDX folder (``salesforce/``) an admin would deploy.
"""

from closedwon.devorg.schema.types import (
    ChildLink,
    FieldDef,
    ObjectInfo,
    OrgSchema,
    Picklist,
    Summary,
)

__all__ = ["ChildLink", "FieldDef", "ObjectInfo", "OrgSchema", "Picklist", "Summary"]
