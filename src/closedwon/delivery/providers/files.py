"""Invoices as files: ``<directory>/<year>-<month>/<invoice id>.json`` and ``.html``, each whole."""

import os
from dataclasses import dataclass
from pathlib import Path

from closedwon.delivery.channel import ExternalStatus, Outcome, Verdict
from closedwon.delivery.documents import html_of, invoice_json
from closedwon.delivery.provider import Delivery
from closedwon.kernel import strict_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Writes both documents beside each other; a repeat writes the same bytes again."""

    directory: Path
    name: str = "files"

    def deliver(self, delivery: Delivery) -> Outcome:
        """A file appears under its name only when it is whole and on disk."""
        invoice = delivery.issued.invoice
        place = self.directory / f"{invoice.issued_at:%Y-%m}"
        documents = {
            ".json": strict_json.dumps(invoice_json(delivery.issued)) + "\n",
            ".html": html_of(delivery.issued),
        }
        try:
            place.mkdir(parents=True, exist_ok=True)
            for suffix, text in documents.items():
                _write(place / f"{invoice.id}{suffix}", text.encode())
        except OSError as error:
            told = f"cannot write {place.name}: {error.strerror}"
            return Outcome(verdict=Verdict.AGAIN, error=told, is_away=True)
        return Outcome(verdict=Verdict.DONE, external_status=ExternalStatus.SENT)


def _write(file: Path, content: bytes) -> None:
    """Write beside, flush to disk, rename: a reader sees the old file, none, or the new one."""
    beside = file.with_name(f".{file.name}.part")
    with beside.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)
    directory = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
