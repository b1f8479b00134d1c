"""OpenAPI: what each listener answers, as a document that machines read. A test asks a service all that it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendor.server.openapi import answers, bodies, explained, operators, public

if TYPE_CHECKING:
    from collections.abc import Mapping

_ANYBODY = "What workloads ask: credentials, and what they may have."
_OPERATORS = "What operators and monitoring ask. It is reached from inside alone."
_TOKEN = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
_BARE = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "The JWT alone, as AWS's SDKs send what is in the token file.",
}


def of_public(*, sts_get: bool = False) -> dict[str, Any]:
    """Return the public listener's document; with `sts_get` STS is answered by GET too."""
    schemas = {**bodies.PUBLIC, **explained.schemas(whole=False)}
    return _document("Credential vendor", _ANYBODY, public.paths(sts_get=sts_get), schemas)


def of_operators() -> dict[str, Any]:
    """Return the operators' listener's document."""
    schemas = {**bodies.OPERATORS, **explained.schemas(whole=True)}
    return _document("Credential vendor, for operators", _OPERATORS, operators.PATHS, schemas)


def _document(
    title: str, description: str, paths: Mapping[str, Any], schemas: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": "1",
            "description": description,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}, {"bare": []}],
        "paths": paths,
        "components": {
            "schemas": {**answers.SCHEMAS, **schemas},
            "responses": answers.RESPONSES,
            "headers": answers.HEADERS,
            "securitySchemes": {"bearer": _TOKEN, "bare": _BARE},
        },
    }
