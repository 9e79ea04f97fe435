"""JSON log lines on stderr, ours and the libraries' alike, with secrets taken out (G25)."""

import logging
import re
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_NAMES = re.compile(
    r"secret|token|password|passwd|authorization|assertion|private_key|session_id|cookie|api_key",
    re.IGNORECASE,
)
SECRET_TEXTS = (
    re.compile(r"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]+"),
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?i)\b(client_secret|refresh_token|access_token|password|assertion)=[^&\s\"']+"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
)
HIDDEN = "[hidden]"
NOISY = ("httpx", "httpcore", "apscheduler.executors.default", "apscheduler.scheduler")
"""Libraries that log every request or job; only their warnings are kept."""


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide values of secret names, and secrets inside any text."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if SECRET_NAMES.search(name) and value is not None:
        return HIDDEN
    match value:
        case str():
            return _without_secrets(value)
        case dict():
            return {str(key): _clean(str(key), inner) for key, inner in value.items()}
        case list() | tuple():
            return [_clean("", inner) for inner in value]
        case int() | None:
            return value
        case _:
            return _without_secrets(str(value))


def _without_secrets(text: str) -> str:
    for pattern in SECRET_TEXTS:
        text = pattern.sub(HIDDEN, text)
    return text


def configure_logs(level: str, stream: TextIO | None = None) -> None:
    """Send every log line of the process, from ``level`` on, to ``stream`` (stderr) as JSON."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)
    writer = logging.StreamHandler(stream or sys.stderr)
    writer.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [writer]
    root.setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
