"""An invoice as people and programs read it: HTML, PDF, JSON.

``page`` lays it out (pure), ``invoice.html.j2`` is the one template of HTML and PDF, ``wire`` the
JSON of metronome.md 2.10.
"""

from closedwon.delivery.documents.html import html_of
from closedwon.delivery.documents.page import Issued
from closedwon.delivery.documents.pdf import pdf_of
from closedwon.delivery.documents.wire import invoice_json

__all__ = ["Issued", "html_of", "invoice_json", "pdf_of"]
