"""Logs that keep secrets to themselves."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from vendor import logs
from vendor.audit import SinkError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Give a stream to log to, and put logging back as it was."""
    names = ("botocore", "aiobotocore", "aiohttp", "urllib3", "asyncio", "")
    levels = {name: logging.getLogger(name).level for name in names}
    yield io.StringIO()
    structlog.reset_defaults()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_t24_a_log_line_is_json_with_its_time_and_level(stream: io.StringIO) -> None:
    logs.configure(stream=stream, pretty=False)
    logs.logger().warning("keys not refreshed", issuer="cluster-a", detail="line\nbreak \ud800")
    logs.logger().debug("never shown")
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "keys not refreshed",
        "level": "warning",
        "issuer": "cluster-a",
        "detail": "line\nbreak \ud800",
    }


@pytest.mark.parametrize("pretty", [True, False])
def test_t23_a_traceback_holds_neither_locals_nor_what_was_said(stream: io.StringIO, *, pretty: bool) -> None:
    logs.configure(stream=stream, pretty=pretty)
    try:
        _fail("CANARY" * 2)
    except ZeroDivisionError as exc:
        logs.logger().error("defect", exc_info=exc)
    assert "ZeroDivisionError" in stream.getvalue()
    assert "_fail" in stream.getvalue()
    assert "CANARYCANARY" not in stream.getvalue()


def test_t23_a_traceback_tells_of_what_an_exception_came_and_of_all_in_a_group(stream: io.StringIO) -> None:
    logs.configure(stream=stream, pretty=False)
    try:
        try:
            _fail("CANARY")
        except ZeroDivisionError as exc:
            raise ExceptionGroup("CANARY", [KeyError("CANARY"), SinkError("CANARY")]) from exc
    except ExceptionGroup as exc:
        exc.exceptions[0].__context__ = exc  # a chain that bites its own tail
        logs.logger().error("defect", exc_info=exc)
    told = json.loads(stream.getvalue())["exception"]
    ends = [line for line in told.splitlines() if line and not line.startswith((" ", "Traceback"))]
    assert ends == [
        "ZeroDivisionError",
        "of which came:",
        "ExceptionGroup",
        "of which number 1 was:",
        "KeyError",
        "of which number 2 was:",
        "vendor.audit.ledger.SinkError",
    ]
    assert "CANARY" not in told.replace('"CANARY"', "")  # which is our own line, as it stands in the file


def test_a_line_for_people_is_no_json(stream: io.StringIO) -> None:
    logs.configure(stream=stream, pretty=True)
    logs.logger().info("listening", public="http://127.0.0.1:8080")
    assert "listening" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize(
    "name",
    ["botocore", "botocore.auth", "botocore.parsers", "aiobotocore.endpoint", "aiohttp.client", "urllib3"],
)
def test_t23_libraries_that_log_secrets_never_go_below_info(stream: io.StringIO, name: str) -> None:
    logs.configure(stream=stream, pretty=False)
    logging.getLogger().setLevel(logging.DEBUG)
    assert logging.getLogger(name).isEnabledFor(logging.INFO)
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)


def test_t23_asyncio_warns_of_nothing_as_it_shows_arguments(stream: io.StringIO) -> None:
    logs.configure(stream=stream, pretty=False)
    logging.getLogger().setLevel(logging.DEBUG)
    assert logging.getLogger("asyncio").isEnabledFor(logging.ERROR)
    assert not logging.getLogger("asyncio").isEnabledFor(logging.WARNING)


def _fail(secret: str) -> float:
    return len(secret) / 0
