"""A local Salesforce-compatible org; of ours it imports only formula and kernel.

``Org`` (org.py) is the org itself; ``OrgSchema`` (schema/) its objects and fields; ``wire.dumps``
writes its rows as Salesforce does; ``http/`` serves it.
"""
