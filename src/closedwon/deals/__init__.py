"""Floor 1, pure: what a closed-won deal is, what it asks of billing, and what would change.

record -> deal -> (mapping) terms | findings -> (plan) steps with their money effect.
"""
