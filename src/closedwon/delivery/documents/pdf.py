"""The same page as PDF, with the optional weasyprint (``pip install closedwon[pdf]``)."""

from importlib import import_module
from typing import Any, NoReturn

from closedwon.delivery.documents.html import html_of
from closedwon.delivery.documents.page import Issued
from closedwon.kernel.errors import ConfigError


def pdf_of(issued: Issued) -> bytes:
    """The PDF; raises ConfigError without weasyprint or the libraries it needs."""
    page = html_of(issued)
    written: bytes = _weasyprint().HTML(string=page, url_fetcher=_refuse).write_pdf()
    return written


def _weasyprint() -> Any:
    """OSError: weasyprint is there, but not the system's Pango."""
    try:
        return import_module("weasyprint")
    except ImportError as error:
        raise ConfigError(
            "PDF needs an extra that is not installed: pip install closedwon[pdf]"
        ) from error
    except OSError as error:
        raise ConfigError("PDF needs the system library Pango, which weasyprint loads") from error


def _refuse(*_: Any, **__: Any) -> NoReturn:
    """The template names no resource; whatever a text made it name is not fetched."""
    raise ValueError("an invoice asks for nothing from outside")
