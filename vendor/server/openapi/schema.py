"""Schemas: the few shapes of which everything that is answered is made."""

from __future__ import annotations

from typing import Any, Final

TEXT: Final[dict[str, Any]] = {"type": "string"}
NUMBER: Final[dict[str, Any]] = {"type": "integer"}
RATIONAL: Final[dict[str, Any]] = {"type": "number"}
FLAG: Final[dict[str, Any]] = {"type": "boolean"}
TEXTS: Final[dict[str, Any]] = {"type": "array", "items": TEXT}
TEXT_OF: Final[dict[str, Any]] = {"type": "object", "additionalProperties": TEXT}
MOMENT: Final[dict[str, Any]] = {
    "type": "string",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    "examples": ["2026-11-23T16:04:44Z"],
}
ATTRIBUTES: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": {"anyOf": [TEXT, NUMBER, FLAG, TEXTS]},
    "description": "Of each attribute its value, of the type that it has.",
}


def mapping(members: dict[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an object that has these members and no other; what is optional may be missing."""
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def maybe(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what is this or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a list of these."""
    return {"type": "array", "items": schema}


def ref(name: str) -> dict[str, Any]:
    """Return a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}
