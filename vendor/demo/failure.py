"""What may go wrong with the demo itself, told in words for the person who started it."""

from __future__ import annotations


class DemoFailed(Exception):  # noqa: N818  # it is a sentence: "demo failed: …"
    """The demo cannot go on; the text says what to do, and may carry the last words of another program."""
