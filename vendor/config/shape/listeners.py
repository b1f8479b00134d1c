"""What listens, what is written of it, and how much is done at once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vendor.config.shape.grants import Grant
from vendor.config.shape.words import Shape, Text


class Tls(Shape):
    """Certificate and key of a listener, PEM; read again when the files change."""

    certificate: Text
    private_key: Text
    client_ca: Text | None = None


class Listen(Shape):
    """The public listener."""

    address: Text = "0.0.0.0:8080"
    tls: Tls | None = None
    sts_get: bool = False


class Operations(Shape):
    """The operators' listener."""

    address: Text = "0.0.0.0:9090"
    operators: list[Grant] = []
    revocations: Text | None = None


class Audit(Shape):
    """Where audit lines go: a file, or `-` for stdout."""

    path: Text = "-"
    on_failure: Literal["refuse", "continue"] = "refuse"


class PrincipalLimits(Shape):
    """How often each principal may ask for what is not at hand: what is held already is not counted."""

    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1000
    burst: Annotated[int, Field(ge=5)] = 5000  # an SDK sends up to five requests before it takes a no


class Limits(Shape):
    """How much is done at once, and for each principal."""

    concurrent_requests: Annotated[int, Field(ge=1)] = 10_000
    per_principal: PrincipalLimits = PrincipalLimits()
