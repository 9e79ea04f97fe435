"""Plain contracts priced as columns: the ordinary rules, laid out once for many contracts (D2)."""
