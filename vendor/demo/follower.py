"""Runs a module as `python -m` would, and ends when whoever started it is gone.

Run by path, in any environment, so it imports the standard library only: `python -I follower.py SEARCH MODULE [ARG…]`.
Standard input is a pipe whose other end is with the starter: when it closes, be it by a kill -9, this program
asks itself to stop as SIGTERM would, and goes by force if that takes longer than ten seconds.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

_PATIENCE = 10.0


def _end_with_the_starter() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os._exit(1)


def main() -> None:
    """Run the module named on the command line, until it or the starter ends."""
    search, module, *arguments = sys.argv[1:]
    if search:
        sys.path.append(search)  # at the end: it shadows nothing
    sys.argv = [module, *arguments]
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
