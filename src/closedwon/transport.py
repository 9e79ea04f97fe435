"""Floor 2: httpx clients, retry policy, simple-salesforce over our httpx session."""
