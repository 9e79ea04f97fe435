"""A local Salesforce-compatible org; of ours it imports only formula and kernel.

``Org`` (org.py) is the org itself, ``OrgSchema`` (schema/) its objects and fields, ``soql/`` its
query language; ``http/`` serves it.
"""
