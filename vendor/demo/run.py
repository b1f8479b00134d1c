"""Runs the demo from start to end: opens the world, plays the exchanges, tells them, and closes everything."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape

from vendor.demo.environment import cache_folder
from vendor.demo.failure import DemoFailed
from vendor.demo.proof import checks, gather
from vendor.demo.story import Story
from vendor.demo.world import keep_alive, open_world

if TYPE_CHECKING:
    from types import TracebackType

    from vendor.demo.world import World

_COLUMNS = 110  # columns when the output is no terminal


async def demonstrate(*, once: bool) -> int:
    """Show one exchange end to end; then, unless `once`, keep the world up until Ctrl-C or SIGTERM.

    Returns 0 if every step did what it should, else 1; ends every program it started, whatever happens.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_COLUMNS)
    _cancel_on_signals()
    try:
        broken = await _play(console, once=once)
    except DemoFailed as exc:
        broken = str(exc)
    except asyncio.CancelledError:
        broken = "stopped before it was through"
    if broken:
        sys.stderr.write(f"vendor demo: {broken}\n")
    return 1 if broken else 0


async def _play(console: Console, *, once: bool) -> str:
    """Return what was not as promised, in one line; empty when all was."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vendor-demo-") as folder, _Progress(console=console) as progress:
        async with open_world(cache=cache_folder(), folder=Path(folder), progress=progress.say) as world:
            progress.say("a pod asks for credentials")
            evidence = await gather(world)
            progress.end()
            story, verdicts = Story(console=console), checks(evidence)
            story.tell(world=world, evidence=evidence, once=once)
            story.verdict(verdicts, seconds=time.monotonic() - begin)
            if not once:
                await _stay_up(world, console=console)
    broken = [verdict.promise for verdict in verdicts if not verdict.kept]
    return f"not so, though promised: {'; '.join(broken)}" if broken else ""


async def _stay_up(world: World, *, console: Console) -> None:
    console.print("\nThe world stays up until Ctrl-C.", style="bold")
    try:
        await keep_alive(world)
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()  # asked for, and answered by closing in order
        console.print("closing the world")
    else:
        raise DemoFailed(f"the service ended by itself:\n{world.service.last_words()}")


def _cancel_on_signals() -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, _already_stopping)
        if task is not None:
            task.cancel()

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)


def _already_stopping() -> None:
    """Let a second Ctrl-C change nothing: every part ends within seconds, or is killed."""


class _Progress:
    """One moving line on a terminal, plain lines elsewhere."""

    def __init__(self, *, console: Console) -> None:
        self._console = console
        self._status = console.status("starting") if console.is_terminal else None

    def say(self, text: str) -> None:
        """Show what happens now."""
        if self._status is None:
            self._console.print(f"... {text}", markup=False)
        else:
            self._status.update(escape(text))

    def end(self) -> None:
        """Leave the line; saying it twice changes nothing."""
        if self._status is not None:
            self._status.stop()

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
