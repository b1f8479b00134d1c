"""Targets: the meaning of their shapes."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Final

from vendor.config.codes import Code
from vendor.config.files import UnreadableError
from vendor.config.identities import identity
from vendor.config.urls import split
from vendor.config.values import FEATURES, PARTITIONS, Target, partition

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from vendor.config import shape
    from vendor.config.document import Document
    from vendor.config.files import Sources
    from vendor.config.findings import Path

REGION: Final = "{region}"
"""What stands in an endpoint's URL for each of its regions."""

_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", re.ASCII)
LONGEST_CA: Final = 1 << 20
"""Bytes of the largest file of authorities."""

_ANY_REGION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}", re.ASCII)


def target(document: Document, name: str, said: shape.Target, folder: FilePath, sources: Sources) -> Target | None:
    """Return a target, None with findings if it cannot be asked."""
    at: Path = ("targets", name)
    before = len(document.findings)
    # Other clouds call their regions as they like.
    region_shape = _REGION if said.endpoint_url is None else _ANY_REGION
    for index, region in enumerate(said.regions):
        if not region_shape.fullmatch(region):
            document.find(Code.REGION, (*at, "regions", index), "expected a region such as eu-west-1")
    partitions = {partition(region) for region in said.regions} if said.endpoint_url is None else set(PARTITIONS)
    if said.endpoint_url is None and len(partitions) > 1:
        document.find(Code.PARTITIONS, (*at, "regions"), "the regions of a target must be of one partition")
    if said.endpoint_url is not None:
        for url in dict.fromkeys(said.endpoint_url.replace(REGION, region) for region in said.regions):
            _check_url(document, (*at, "endpoint_url"), url)
    if said.federation_url is not None:
        _check_url(document, (*at, "federation_url"), said.federation_url)
    _check_options(document, at, said)
    own = identity(document, (*at, "identity"), said.identity, folder, partitions)
    authorities = _authorities(document, (*at, "ca_file"), folder / said.ca_file, sources) if said.ca_file else None
    if len(document.findings) > before:
        return None
    return Target(
        name=name,
        endpoint_url=said.endpoint_url,
        regions=tuple(said.regions),
        requests_per_second=said.requests_per_second,
        authorities=authorities,
        fips=said.fips,
        dualstack=said.dualstack,
        features=_features(said),
        federation_url=said.federation_url,
        identity=own,
    )


def _features(said: shape.Target) -> frozenset[str]:
    """Return what a target has; AWS always says whose a session is, and of another cloud that is not known."""
    if said.features is not None:
        return frozenset(said.features)
    return FEATURES if said.endpoint_url is None else FEATURES - {"assumed_role_user"}


def _check_url(document: Document, at: Path, url: str) -> None:
    parts = split(url, query=False)
    if parts is None or parts.scheme not in {"http", "https"}:
        document.find(Code.ENDPOINT, at, "expected an http or https URL without user, query or fragment")


def _check_options(document: Document, at: Path, said: shape.Target) -> None:
    """Find what only AWS's own endpoints have, or only others can lack."""
    for name in ("fips", "dualstack"):
        if getattr(said, name) and said.endpoint_url is not None:
            document.find(Code.TARGET_OPTION, (*at, name), f"{name} chooses among AWS's endpoints, and one is given")
    for name in ("ca_file", "features"):
        if getattr(said, name) is not None and said.endpoint_url is None:
            document.find(Code.TARGET_OPTION, (*at, name), f"{name} is about an endpoint_url, and there is none")


def _authorities(document: Document, at: Path, file: FilePath, sources: Sources) -> str | None:
    """Return certificates that vouch for an endpoint, None with findings if they are none."""
    try:
        text = sources.contents(file, most=LONGEST_CA).decode("ascii", "replace")
        ssl.create_default_context(cadata=text)
    except UnreadableError as exc:
        document.find(Code.TARGET_OPTION, at, str(exc))
    except (ssl.SSLError, ValueError):
        document.find(Code.TARGET_OPTION, at, f"the file {file} holds no certificates in PEM")
    else:
        return text
    return None
