"""The mapping language (design 5): YAML, Salesforce formulas, CSV tables -> terms or findings."""

from closedwon.deals.mapping.facts import MappingFacts, RateCardFact
from closedwon.deals.mapping.load import load_mapping
from closedwon.deals.mapping.model import DealMapping, Policies
from closedwon.deals.mapping.problems import MappingError, Problem
from closedwon.deals.mapping.run import map_deal
from closedwon.deals.mapping.schema import json_schema

__all__ = [
    "DealMapping",
    "MappingError",
    "MappingFacts",
    "Policies",
    "Problem",
    "RateCardFact",
    "json_schema",
    "load_mapping",
    "map_deal",
]
