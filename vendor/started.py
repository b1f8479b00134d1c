"""Both commands as programs: whoever interrupts one while it still loads sees no traceback."""

from __future__ import annotations

import importlib
import signal

TYPE_CHECKING = False  # as in client/address.py
if TYPE_CHECKING:
    from collections.abc import Callable


def vendor() -> int:
    """Run `vendor`."""
    return _loaded("vendor.cli")()


def vend() -> int:
    """Run `vend`."""
    return _loaded("vendor.client.command")()


def _loaded(module: str) -> Callable[[], int]:
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # whoever ignores interrupts, in the background, goes on to
        return importlib.import_module(module).main  # type: ignore[no-any-return]
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return importlib.import_module(module).main  # type: ignore[no-any-return]
    finally:
        signal.signal(signal.SIGINT, before)
