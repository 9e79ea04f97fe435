"""A contract is a list of edits (D1); its state is a fold of them."""
