"""The PDF says what the page says; only where weasyprint and its libraries are installed."""

import re
import warnings
import zlib

import pytest

from closedwon.delivery.documents import pdf_of
from delivery.invoices import covered, issued, usage

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns about libraries of later versions.
        import weasyprint as _weasyprint  # noqa: F401 what is asked is whether it loads
except (ImportError, OSError):
    pytest.skip("weasyprint or its libraries are missing", allow_module_level=True)


def streams(pdf: bytes) -> list[str]:
    found = []
    for raw in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompressobj().decompress(raw).decode("latin-1"))
        except zlib.error:
            continue
    return found


def text_of(pdf: bytes) -> str:
    """Shown glyphs as text, through the fonts' own maps to Unicode."""
    letters: dict[str, str] = {}
    for stream in streams(pdf):
        for block in re.findall(r"beginbfchar(.*?)endbfchar", stream, re.DOTALL):
            for glyph, code in re.findall(r"<(\w+)>\s*<(\w+)>", block):
                letters[glyph.lower()] = bytes.fromhex(code).decode("utf-16-be")
    shown = []
    for stream in streams(pdf):
        for run in re.findall(r"\[(.*?)\]\s*TJ", stream, re.DOTALL):
            glyphs = "".join(re.findall(r"<(\w+)>", run)).lower()
            pairs = (glyphs[at : at + 4] for at in range(0, len(glyphs), 4))
            shown.append("".join(letters.get(glyph, "?") for glyph in pairs))
    return " ".join(" ".join(shown).split())


def test_r4_r132_the_pdf_shows_lines_and_total() -> None:
    pdf = pdf_of(issued([*covered("324100"), usage("100900")], seller="ACME"))

    assert pdf.startswith(b"%PDF-")
    text = text_of(pdf)
    for shown in ("Enterprise Commit applied", "-3,241.00", "1,009.00", "USD 1,009.00", "ACME"):
        assert shown in text


def test_a_text_that_names_a_resource_fetches_nothing() -> None:
    name = '<img src="http://127.0.0.1:9/x.png"><link rel=stylesheet href="file:///etc/passwd">'
    text = text_of(pdf_of(issued([usage("1", name=name)])))

    assert "img src" in text
    assert "root:" not in text


def test_many_lines_take_several_pages() -> None:
    text = text_of(pdf_of(issued([usage("1", name=f"Line {n}") for n in range(150)])))

    pages = re.findall(r"(\d+) / (\d+)", text)
    assert len(pages) > 2
    assert pages[-1] == (str(len(pages)), str(len(pages)))
    assert "Line 149" in text
