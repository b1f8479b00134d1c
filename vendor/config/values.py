"""Configuration: everything that is served, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vendor.config.files import Sources
    from vendor.config.findings import Finding
    from vendor.identity.issuer import Issuer
    from vendor.policy.grant import Grant, Scope


FEATURES: Final = frozenset({"tags", "policy_arns", "source_identity", "external_id", "assumed_role_user"})
"""What AWS's own STS has, and other clouds may lack."""


PARTITIONS: Final = ("aws", "aws-us-gov", "aws-cn")
"""AWS's worlds, which know nothing of one another."""


def partition(region: str) -> str:
    """Return the partition of a region, as ARNs spell it."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The files of a certificate chain and its key, and of what vouches for clients if these must show one; PEM."""

    certificate: Path
    private_key: Path
    client_ca: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.certificate, self.private_key, *((self.client_ca,) if self.client_ca else ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """The public listener; port 0 takes any that is free. With `sts_get`, STS takes GET requests too."""

    host: str
    port: int
    tls: Tls | None
    sts_get: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """The operators' listener, who is an operator, and the file that keeps revocations, None for none."""

    host: str
    port: int
    operators: tuple[Grant, ...]
    revocations: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStore:
    """A Redis or Valkey that replicas share. `nodes` are hosts and ports: its own, some of a cluster's, or sentinels'.

    `service` is what sentinels call it, None for no sentinels. `keys` are ids and files of the keys that seal what it
    holds, the first one first.
    """

    nodes: tuple[tuple[str, int], ...]
    database: int
    user: str | None
    password: str | None = field(repr=False)
    tls: bool
    ca_file: Path | None
    certificate: Path | None
    private_key: Path | None
    cluster: bool
    service: str | None
    sentinel_user: str | None
    sentinel_password: str | None = field(repr=False)
    prefix: str
    keys: tuple[tuple[str, Path], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Where audit lines go, `-` for stdout, and whether an exchange is refused when its line cannot be written."""

    path: str
    refuse_on_failure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many requests are answered at once, and how many each principal may send a second, and at once.

    Of the latter only those count that are not answered with what is held.
    """

    concurrent_requests: int
    requests_per_second: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An identity as AWS's own configuration files name it."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFile:
    """An identity by a role that trusts the token in a file."""

    role: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An identity by an access key whose secret is in a file."""

    id: str
    secret_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An STS to mint with. `endpoint_url` None means AWS's regional endpoints; `requests_per_second` None no limit.

    `features` are what it has of what AWS has. `authorities` in PEM vouch for it, None for the machine's
    own; `federation_url` is where sign-in links are made. `identity` None
    means whatever AWS's SDKs find by themselves.
    """

    name: str
    endpoint_url: str | None
    regions: tuple[str, ...]
    requests_per_second: float | None
    identity: Profile | TokenFile | AccessKey | None = None
    authorities: str | None = None
    fips: bool = False
    dualstack: bool = False
    features: frozenset[str] = FEATURES
    federation_url: str | None = None

    @property
    def partition(self) -> str:
        """The partition of its regions, as ARNs spell it."""
        return partition(self.regions[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What is served. `files` are all that were read, `warnings` what is allowed and may not be meant.

    `sources` tell whether it has changed since it was read. `store` None means that nothing is shared.
    """

    listen: Listen
    operations: Operations
    store: SharedStore | None
    audit: Audit
    limits: Limits
    issuers: Mapping[str, Issuer]
    targets: Mapping[str, Target]
    scopes: Mapping[str, Scope]
    files: tuple[Path, ...]
    sources: Sources
    warnings: tuple[Finding, ...]
