"""Describe bodies as REST answers them (salesforce.md 2.6)."""

from typing import Any, Final

from closedwon.devorg.field_values import NUMERIC
from closedwon.devorg.schema import FieldDef, ObjectInfo, OrgSchema

MASTER_RECORD_TYPE = "012000000000000AAA"
BYTES_PER_CHARACTER = 3
SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "anyType": "xsd:anyType",
}
TEXT_TYPES = frozenset({"string", "textarea", "picklist", "multipicklist", "phone", "url", "email"})


def global_body(schema: OrgSchema, api_version: str) -> dict[str, Any]:
    """``GET /sobjects``."""
    objects = [_summary(info, api_version) for info in schema.objects.values() if info.key_prefix]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}


def object_body(schema: OrgSchema, info: ObjectInfo, api_version: str) -> dict[str, Any]:
    """``GET /sobjects/X/describe``."""
    body = {
        **_summary(info, api_version),
        "actionOverrides": [],
        "childRelationships": _children(schema, info),
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [field_body(field) for field in info.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [_master_record_type(info, api_version)],
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {info.label_plural}", "name": "everything"}],
    }
    return dict(sorted(body.items()))


NOT_HERE: Final[dict[str, bool | None]] = {
    "aiPredictionField": False,
    "compoundFieldName": None,
    "controllerName": None,
    "defaultValueFormula": None,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "filteredLookupInfo": None,
    "highScaleNumber": False,
    "inlineHelpText": None,
    "mask": None,
    "maskType": None,
    "queryByDistance": False,
    "referenceTargetField": None,
    "restrictedDelete": False,
    "searchPrefilterable": False,
}
"""Describe keys of features this org does not have; the same for every field."""


def field_body(field: FieldDef) -> dict[str, Any]:
    """One field with all its describe keys."""
    text = field.type in TEXT_TYPES
    number = field.type in NUMERIC
    body = {
        **NOT_HERE,
        "aggregatable": field.filterable and field.type != "boolean",
        "autoNumber": field.auto_number is not None,
        "byteLength": field.length * BYTES_PER_CHARACTER if text else field.length,
        "calculated": field.calculated,
        "calculatedFormula": field.formula,
        "cascadeDelete": field.cascade_delete,
        "caseSensitive": field.case_sensitive,
        "createable": field.createable,
        "custom": field.custom,
        "defaultValue": field.default,
        "defaultedOnCreate": _is_filled_by_org(field),
        "digits": 8 if field.type == "int" else 0,
        "externalId": field.external_id,
        "extraTypeInfo": "richtextarea" if field.html else None,
        "filterable": field.filterable,
        "formulaTreatNullNumberAsZero": field.formula is not None and field.blank_as_zero,
        "groupable": is_groupable(field),
        "htmlFormatted": field.html,
        "idLookup": field.name in ("Id", "Name") or field.external_id,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": field.name == "Name",
        "namePointing": field.polymorphic,
        "nillable": field.nillable,
        "permissionable": field.nillable and (field.custom or field.createable),
        "picklistValues": _values(field),
        "polymorphicForeignKey": field.polymorphic,
        "precision": field.precision if number else 0,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
        "relationshipOrder": 0 if field.cascade_delete and field.custom else None,
        "restrictedPicklist": field.picklist is not None and field.picklist.restricted,
        "scale": field.scale if number else 0,
        "soapType": SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.filterable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable,
        "writeRequiresMasterRead": field.cascade_delete and field.custom,
    }
    return dict(sorted(body.items()))


def is_groupable(field: FieldDef) -> bool:
    """Whether GROUP BY may name the field."""
    if field.type in NUMERIC or field.type in ("datetime", "multipicklist", "anyType"):
        return False
    return field.filterable and not field.calculated


def _is_filled_by_org(field: FieldDef) -> bool:
    system = not field.nillable and not field.createable
    return system or field.name == "OwnerId" or field.default is not None


def _values(field: FieldDef) -> list[dict[str, Any]]:
    if field.picklist is None:
        return []
    return [
        {
            "active": True,
            "defaultValue": value == field.picklist.default,
            "label": value,
            "validFor": None,
            "value": value,
        }
        for value in field.picklist.values
    ]


def _children(schema: OrgSchema, info: ObjectInfo) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": link.field.cascade_delete,
            "childSObject": link.child,
            "deprecatedAndHidden": False,
            "field": link.field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": link.name,
            "restrictedDelete": False,
        }
        for link in schema.children[info.name]
    ]


def _summary(info: ObjectInfo, api_version: str) -> dict[str, Any]:
    history = info.name.endswith("History")
    writable = not history and info.name not in ("Organization", "Profile", "OpportunityStage")
    at = f"/services/data/v{api_version}/sobjects/{info.name}"
    return {
        "activateable": False,
        "associateEntityType": "History" if history else None,
        "associateParentEntity": None,
        "createable": writable,
        "custom": info.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": writable and info.name != "User",
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": info.key_prefix,
        "label": info.label,
        "labelPlural": info.label_plural,
        "layoutable": writable,
        "mergeable": info.name in ("Account", "Contact"),
        "mruEnabled": writable,
        "name": info.name,
        "queryable": True,
        "replicateable": not history,
        "retrieveable": True,
        "searchable": writable,
        "triggerable": writable,
        "undeletable": writable and info.name != "User",
        "updateable": writable,
        "urls": {
            "compactLayouts": f"{at}/describe/compactLayouts",
            "rowTemplate": f"{at}/{{ID}}",
            "approvalLayouts": f"{at}/describe/approvalLayouts",
            "describe": f"{at}/describe",
            "quickActions": f"{at}/quickActions",
            "layouts": f"{at}/describe/layouts",
            "sobject": at,
        },
    }


def _master_record_type(info: ObjectInfo, api_version: str) -> dict[str, Any]:
    at = f"/services/data/v{api_version}/sobjects/{info.name}/describe/layouts"
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": MASTER_RECORD_TYPE,
        "urls": {"layout": f"{at}/{MASTER_RECORD_TYPE}"},
    }
