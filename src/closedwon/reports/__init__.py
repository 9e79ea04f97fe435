"""Floor 4, SHELF: one file per report: columns, query, totals. ``render`` shows any of them."""
