"""SQL metrics: read, checked, and evaluated exactly (R38, R39).

``parse`` turns the text into levels of grouping, ``plan`` asks the columnar engine for as much as
it can answer exactly, and ``evaluate`` computes the rest in decimals. What a query means is what
``evaluate`` says over single events; the plan only saves work.
"""
