"""Targets: the meaning of their shapes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vendor.config.codes import Code
from vendor.config.urls import split
from vendor.config.values import Target

if TYPE_CHECKING:
    from vendor.config import shape
    from vendor.config.findings import Path
    from vendor.config.text import Document

REGION: Final = "{region}"
"""What stands in an endpoint's URL for each of its regions."""

_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", re.ASCII)
_ANY_REGION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}", re.ASCII)


def target(document: Document, name: str, said: shape.Target) -> Target | None:
    """Return a target, None with findings if it cannot be asked."""
    at: Path = ("targets", name)
    before = len(document.findings)
    # Other clouds call their regions as they like.
    region_shape = _REGION if said.endpoint_url is None else _ANY_REGION
    for index, region in enumerate(said.regions):
        if not region_shape.fullmatch(region):
            document.find(Code.REGION, (*at, "regions", index), "expected a region such as eu-west-1")
    if said.endpoint_url is None and len({partition(region) for region in said.regions}) > 1:
        document.find(Code.PARTITIONS, (*at, "regions"), "the regions of a target must be of one partition")
    if said.endpoint_url is not None:
        each = [split(said.endpoint_url.replace(REGION, region), query=False) for region in said.regions]
        if any(parts is None or parts.scheme not in {"http", "https"} for parts in each):
            message = "expected an http or https URL without user, query or fragment"
            document.find(Code.ENDPOINT, (*at, "endpoint_url"), message)
    if len(document.findings) > before:
        return None
    return Target(
        name=name,
        endpoint_url=said.endpoint_url,
        regions=tuple(said.regions),
        requests_per_second=said.requests_per_second,
    )


def partition(region: str) -> str:
    """Return the partition of a region, as ARNs spell it."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
