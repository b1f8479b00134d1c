"""What may stand on a terminal: nothing that steers it, and no token."""

from __future__ import annotations

import re
from typing import Final

_JWT: Final = re.compile(r"ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)
_WITHHELD: Final = "(a token, not shown)"


def plain(text: str) -> str:
    """Return a text in which everything but printable ASCII is escaped."""
    return re.sub(r"[^ -~]", lambda found: found[0].encode("unicode_escape").decode(), text)


def without_tokens(text: str) -> str:
    """Return a text without the JWTs in it: whoever reads a screen or a log could use them."""
    return _JWT.sub(_WITHHELD, text)
