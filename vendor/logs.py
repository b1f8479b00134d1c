"""Logs: structlog for people and machines, on stderr."""

from __future__ import annotations

import logging
from typing import Any, Final, TextIO

import structlog

from vendor import tracebacks

# At DEBUG these log secrets, tokens and policies; they never go below INFO, whatever the root logger does.
_TALKATIVE: Final = ("botocore", "aiobotocore", "aiohttp", "urllib3")


def configure(*, stream: TextIO, pretty: bool) -> None:
    """Set up logging: coloured lines on a terminal, JSON lines otherwise; tracebacks hold places and kinds alone."""
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(lambda info: tracebacks.told(info[1])),
    ]
    last: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, last],
        logger_factory=structlog.PrintLoggerFactory(stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    quieten()


def quieten() -> None:
    """Keep libraries that log secrets from doing so."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    # In its debug mode it warns of what was slow, and shows its arguments and results.
    logging.getLogger("asyncio").setLevel(logging.ERROR)


def logger() -> Any:
    """Return the logger that `configure` set up."""
    return structlog.get_logger()
