"""The store that replicas share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vendor.config.shape.words import Shape, Text, Word


class EncryptionKey(Shape):
    """A key that seals what is stored: 32 bytes, as they are or in base64."""

    id: Word
    file: Text


class Sentinel(Shape):
    """What sentinels call the store, and how they know us."""

    service: Text
    user: Text | None = None
    password: Text | None = None


class Redis(Shape):
    """A Redis or Valkey: the first of the keys seals, all of them open."""

    url: Text
    nodes: Annotated[list[Text], Field(min_length=1)] | None = None
    password: Text | None = None
    ca_file: Text | None = None
    certificate: Text | None = None
    private_key: Text | None = None
    cluster: bool = False
    sentinel: Sentinel | None = None
    prefix: Word = "vendor"
    encryption_keys: Annotated[list[EncryptionKey], Field(min_length=1)]


class SharedStore(Shape):
    """A store that replicas share."""

    redis: Redis
