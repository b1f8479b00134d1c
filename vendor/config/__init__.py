"""Configuration: text becomes frozen values, or every problem at once with its place."""

from __future__ import annotations

from typing import Any

from vendor.config.findings import ConfigurationError, Finding
from vendor.config.loading import load
from vendor.config.shape import Configuration as _Shape
from vendor.config.values import Configuration

__all__ = ["Configuration", "ConfigurationError", "Finding", "json_schema", "load"]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the configuration file, for editors and other tools."""
    schema = _Shape.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "vendor.yaml", **schema}
