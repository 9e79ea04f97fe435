"""SOQL: grammar, syntax, binding to the schema, answers (salesforce.md 3)."""
