"""Where a term came from (D10)."""

import msgspec


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a term came from, so that a line can be explained back to its quote line (D10)."""

    opportunity_id: str
    quote_id: str = ""
    line_ids: tuple[str, ...] = ()
    rule: str = ""
    """Id of the mapping rule."""
    place: str = ""
    """``file:line`` of that rule."""
