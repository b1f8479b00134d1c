"""Suggestions: the key that may have been meant where another one stands."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vendor.config.findings import Path


def near(key: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that names the known key which is closest, nothing if none is close."""
    found = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.7)
    return f"; did you mean {found[0]}?" if found else ""


def siblings(schema: dict[str, Any], path: Path) -> set[str]:
    """Return the keys that a JSON Schema knows in the mapping at a path."""
    nodes = list(_plain(schema, schema))
    for part in path:
        nodes = [below for node in nodes for below in _below(schema, node, part)]
    return {name for node in nodes for name in node.get("properties", {})}


def _below(schema: dict[str, Any], node: dict[str, Any], part: str | int) -> Iterator[dict[str, Any]]:
    below = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
    yield from _plain(schema, below or node.get("additionalProperties"))


def _plain(schema: dict[str, Any], node: Any) -> Iterator[dict[str, Any]]:
    """Yield what a node stands for: what it refers to, each of its choices."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield from _plain(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
        for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from _plain(schema, choice)
        yield node
