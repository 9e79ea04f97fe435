"""Floor 3, SHELF: where terms are provisioned."""
