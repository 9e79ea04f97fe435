"""Records every new org has: itself, its administrator, profiles, opportunity stages."""

from collections.abc import Mapping, Sequence
from typing import Any

from closedwon.devorg.record_ids import numbered_id

ORGANIZATION_ID = "00DHs0000012345MAA"
ADMIN_ID = numbered_id("005", 1)
PROFILE_ID = numbered_id("00e", 1)

STAGES = (
    ("Prospecting", 10, "Pipeline"),
    ("Qualification", 10, "Pipeline"),
    ("Needs Analysis", 20, "Pipeline"),
    ("Value Proposition", 50, "Pipeline"),
    ("Id. Decision Makers", 60, "Pipeline"),
    ("Perception Analysis", 70, "Pipeline"),
    ("Proposal/Price Quote", 75, "Pipeline"),
    ("Negotiation/Review", 90, "Pipeline"),
    ("Closed Won", 100, "Closed"),
    ("Closed Lost", 0, "Omitted"),
)
"""Label, probability in percent, forecast category."""


def base_records() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Object -> records, in the form ``load_records`` takes."""
    return {
        "Organization": [
            {
                "Id": ORGANIZATION_ID,
                "Name": "Local Dev Org",
                "OrganizationType": "Developer Edition",
                "InstanceName": "DEV1",
                "TimeZoneSidKey": "GMT",
                "LanguageLocaleKey": "en_US",
                "DefaultLocaleSidKey": "en_US",
                "FiscalYearStartMonth": 1,
            }
        ],
        "Profile": [
            {"Id": PROFILE_ID, "Name": "System Administrator", "UserType": "Standard"},
        ],
        "User": [
            {
                "Id": ADMIN_ID,
                "Username": "admin@acme.test",
                "FirstName": "Org",
                "LastName": "Admin",
                "Name": "Org Admin",
                "Alias": "admin",
                "Email": "admin@acme.test",
                "IsActive": True,
                "UserType": "Standard",
                "ProfileId": PROFILE_ID,
                "TimeZoneSidKey": "GMT",
                "LocaleSidKey": "en_US",
                "LanguageLocaleKey": "en_US",
            }
        ],
        "OpportunityStage": [
            {
                "MasterLabel": label,
                "ApiName": label,
                "IsActive": True,
                "IsClosed": label.startswith("Closed"),
                "IsWon": label == "Closed Won",
                "SortOrder": order,
                "DefaultProbability": probability,
                "ForecastCategory": category,
                "ForecastCategoryName": category,
            }
            for order, (label, probability, category) in enumerate(STAGES, start=1)
        ],
    }
