"""What every dashboard has: whose it is, as of when, its colours, and bars."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.catalog.types import Catalog, CreditType
from closedwon.delivery.documents.figures import instant_text
from closedwon.delivery.documents.html import template
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.exact import CONTEXT, ZERO

LINES = 10
"""Colours of metrics; the eleventh metric has the first one again."""
VARIABLES: Mapping[str, str] = {
    "Gray_dark": "ink",
    "Gray_medium": "mute",
    "Gray_light": "rule",
    "Gray_extralight": "shade",
    "White": "paper",
    "Primary_medium": "primary",
    "Primary_light": "primary-light",
    **{f"UsageLine_{number}": f"line-{number}" for number in range(LINES)},
    "Primary_green": "good",
    "Primary_red": "bad",
    "Progress_bar": "bar",
    "Progress_bar_background": "bar-back",
    "Action": "action",
    "Action_hover": "action-hover",
}
"""The vendor's names of colours, and the variable of the page that each one sets."""
COLOR_NAMES = tuple(VARIABLES)
BAR = Decimal(1000)
"""Length of a full bar in its own units."""
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a bar."""

    name: str
    """Says its colour too."""
    start: Decimal
    length: Decimal


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard without its content."""

    title: str
    customer: str
    now: datetime
    catalog: Catalog
    colors: Mapping[str, str] = {}

    def page(self, name: str, **content: object) -> str:
        """The page that a template of this folder makes of ``content``."""
        return template(f"dashboards/{name}.html.j2").render(
            title=self.title,
            customer=self.customer,
            as_of=instant_text(self.now),
            colors=[(VARIABLES[name], value) for name, value in sorted(self.colors.items())],
            **content,
        )

    def unit(self, credit_type_id: str) -> CreditType:
        """Raises InvariantBroken for one that is not in the catalogue."""
        found = self.catalog.credit_types.get(credit_type_id)
        if found is None:
            raise InvariantBroken("no such credit type", credit_type=credit_type_id)
        return found


def message_page(title: str, told: str) -> str:
    """A page that says one thing, and of nobody."""
    return template("dashboards/message.html.j2").render(
        title=title, told=told, customer="", as_of="", colors=()
    )


def style_digest(page: str) -> str:
    """The SHA-256 of the page's one style sheet, as a Content-Security-Policy names it."""
    (style,) = STYLE.findall(page)
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def parts(lengths: Iterable[tuple[str, Decimal]], whole: Decimal) -> tuple[Part, ...]:
    """Stretches of a bar that is ``whole`` long, one after another; those of nothing left out."""
    found: list[Part] = []
    at = ZERO
    for name, length in lengths:
        if whole <= 0 or length <= 0 or at >= BAR:
            continue
        drawn = min(CONTEXT.divide(length * BAR, whole), BAR - at).quantize(Decimal("0.1"))
        found.append(Part(name=name, start=at, length=drawn))
        at += drawn
    return tuple(found)
