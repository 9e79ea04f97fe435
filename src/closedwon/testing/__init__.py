"""Shipped fakes and one conformance suite per port."""
