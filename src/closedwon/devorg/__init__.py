"""A local Salesforce-compatible org. Of ours it imports only formula and kernel."""
