"""`vendor serve`: runs one service until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError

from vendor import logs
from vendor.observer import log_warnings
from vendor.service import Service
from vendor.traces import Collector, UnspokenError

if TYPE_CHECKING:
    from vendor.config import Configuration


async def _serve(configuration: Configuration, collector: Collector | None) -> None:
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_tell)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    service = Service(configuration, aws=get_session(), log=logs.logger(), collector=collector)
    # Not the loop's own handler: when the loop lets go of one, the signal ends us until somebody takes it up again.
    signal.signal(signal.SIGHUP, lambda *_: loop.call_soon_threadsafe(service.reload))
    try:
        await service.run(until=until)
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody waited for and that failed: where and what, without the arguments that asyncio would show."""
    what = context["message"].partition("(")[0].partition("<")[0].strip()
    logs.logger().error("defect", detail=what, exc_info=context.get("exception"))


def run(configuration: Configuration) -> int:
    """Serve a configuration until SIGTERM or SIGINT; return the exit code."""
    logs.configure(stream=sys.stderr, pretty=sys.stderr.isatty() and "NO_COLOR" not in os.environ)
    log_warnings(configuration, logs.logger())
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(configuration, Collector.of(os.environ)))
    except (OSError, BotoCoreError, UnspokenError) as exc:
        logs.logger().error("cannot serve", detail=str(exc))
        return 1
    return 0


def _loop_factory() -> Any:
    """Return uvloop's loop where it is installed: it is in the `server` extra, but not made for every Python."""
    with suppress(ImportError):
        import uvloop  # noqa: PLC0415

        return uvloop.new_event_loop
    return None
