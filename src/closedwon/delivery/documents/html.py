"""The invoice as one HTML page: escaped, print-ready, asking for nothing from outside."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from closedwon.delivery.documents.page import Issued, page_of

TEMPLATE = "invoice.html.j2"


def html_of(issued: Issued) -> str:
    """The page as text; equal invoices give equal bytes."""
    return _template().render(page=page_of(issued))


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("closedwon.delivery.documents", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE)
