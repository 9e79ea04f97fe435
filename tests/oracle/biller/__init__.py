"""A biller by brute force, written from the reference alone: slow, literal, in exact fractions.

It shares no code and no algorithm with the engine: it meters event by event in time order, prices
unit by unit, and pays by walking every (line, balance) pair in the reference's order. Rule numbers
are those of the reference; where that is silent the module says which reading was taken.
"""
