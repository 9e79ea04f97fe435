"""The invoice as one HTML page: escaped, print-ready, asking for nothing from outside."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from closedwon.delivery.documents.page import Issued, page_of

TEMPLATE = "invoice.html.j2"


def html_of(issued: Issued, back: str = "") -> str:
    """The page as text; equal invoices give equal bytes. ``back`` is where it was opened from."""
    return template(TEMPLATE).render(page=page_of(issued), back=back)


def template(name: str) -> Template:
    """A template of this folder; whatever it prints is escaped."""
    return _environment().get_template(name)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("closedwon.delivery.documents", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
