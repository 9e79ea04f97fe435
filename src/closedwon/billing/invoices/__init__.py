"""Billing periods, usage and scheduled invoices, their lifecycle (R126-R160, R282-R291)."""
