"""JSON patches (RFC 6902) as the API server applies them, as far as `add` goes."""

from __future__ import annotations

import copy
from typing import Any


def apply(document: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a document with a patch applied; the document stays what it was."""
    document = copy.deepcopy(document)
    for operation in patch:
        assert operation["op"] == "add"
        *above, last = operation["path"].split("/")[1:]
        at: Any = document
        for step in above:
            at = at[int(step)] if isinstance(at, list) else at[step]
        if isinstance(at, list):
            at.insert(len(at) if last == "-" else int(last), operation["value"])
        else:
            assert not at.get(last), f"{operation['path']} would be overridden"
            at[last] = operation["value"]
    return document
