"""Log lines as JSON objects, one a line, for programs to search: time, level, request_id, event."""

import logging

import structlog
from structlog.processors import ExceptionRenderer
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

SHARED: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    # What a call gives as `extra`, and the request_id that RequestIdFilter has put on the record.
    ExtraAdder(),
    # Without the values of local variables, of which some are passwords.
    ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
]


def json_formatter() -> logging.Formatter:
    """For `LOGGING`: formats what any library logs by the standard library."""
    return ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
