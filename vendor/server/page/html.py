"""HTML: elements are made here and nowhere else, so that no text from anywhere is ever taken for markup."""

from __future__ import annotations

from html import escape
from typing import Final

VOID: Final = frozenset({"br", "input", "link", "meta", "col"})
"""Elements that have no end (HTML standard, section 13.1.2)."""


class Html(str):
    """Text that is markup, since it was made by `element`."""

    __slots__ = ()


def element(name: str, /, *content: object, **attributes: object) -> Html:
    """Return an element: `content` that is not Html is escaped, None and False attributes are left out.

    An underscore in the name of an attribute stands for a hyphen; one at the end, as in `class_`, for nothing.
    """
    told = "".join(_attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    if name in VOID:
        return Html(f"<{name}{told}>")
    return Html(f"<{name}{told}>{join(*content)}</{name}>")


def join(*content: object) -> Html:
    """Return pieces one behind the other, escaped unless they are Html; None is nothing."""
    return Html("".join(_piece(one) for one in content))


def raw(text: str) -> Html:
    """Return a constant of ours as markup."""
    return Html(text)


def _piece(one: object) -> str:
    if one is None:
        return ""
    if isinstance(one, Html):
        return one
    if isinstance(one, list | tuple):
        return join(*one)
    return escape(_printable(str(one)))


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(_printable(str(value)))}"'


def _printable(text: str) -> str:
    """Return text without what would reorder or hide what stands around it."""
    return "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)
