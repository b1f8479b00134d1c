"""Paths: the parts that operations are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vendor.server.openapi import answers
from vendor.server.openapi.schema import TEXT, ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vendor.refusals import Code

SCOPE: Final[dict[str, Any]] = {
    "name": "scope",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._:-]{0,62}$"},
}


def operation(
    summary: str,
    *,
    answer: Mapping[str, Any],
    refusals: Iterable[Code] = answers.TOKEN,
    body: str | None = None,
    parameters: Iterable[Mapping[str, Any]] = (),
    token: bool = True,
) -> dict[str, Any]:
    """Return an operation; `token` tells whether it wants one, and a body is a schema's name."""
    codes = (*answers.EDGE, *refusals, *(answers.BODY if body else ()))
    made: dict[str, Any] = {"summary": summary, "responses": {**answer, **answers.refused(*codes)}}
    if parameters:
        made["parameters"] = list(parameters)
    if body:
        made["requestBody"] = {"content": {"application/json": {"schema": ref(body)}}}
    if not token:
        made["security"] = []
    return made


def said(name: str, description: str, schema: dict[str, Any] = TEXT) -> dict[str, Any]:
    """Return a member of a query that may be left out."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def answered(name: str, description: str, *, status: int = 200) -> dict[str, Any]:
    """Return a good answer that is one of the document's schemas."""
    return {str(status): answers.good(ref(name), description)}


def document() -> dict[str, Any]:
    """Return the answer that holds the document itself."""
    return {"200": answers.good({"type": "object"}, "This document.")}
