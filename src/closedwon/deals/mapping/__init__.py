"""The mapping language (design 5): YAML, Salesforce formulas, CSV tables -> terms or findings."""

from closedwon.deals.mapping.facts import MappingFacts, RateCardFact
from closedwon.deals.mapping.fixtures import (
    Coverage,
    Fixture,
    FixtureOutcome,
    coverage,
    load_fixture,
    run_fixture,
)
from closedwon.deals.mapping.lint import lint
from closedwon.deals.mapping.load import load_mapping
from closedwon.deals.mapping.model import DealMapping, Policies
from closedwon.deals.mapping.problems import MappingError, Problem
from closedwon.deals.mapping.run import map_deal
from closedwon.deals.mapping.scaffold import scaffold
from closedwon.deals.mapping.schema import json_schema, schema_text

__all__ = [
    "Coverage",
    "DealMapping",
    "Fixture",
    "FixtureOutcome",
    "MappingError",
    "MappingFacts",
    "Policies",
    "Problem",
    "RateCardFact",
    "coverage",
    "json_schema",
    "lint",
    "load_fixture",
    "load_mapping",
    "map_deal",
    "run_fixture",
    "scaffold",
    "schema_text",
]
