"""What STS was asked for, by everything in which two sessions can differ there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.fakes.sts_wire import Request


class Asked(NamedTuple):
    """One request for a role's session; `policy` is canonical JSON."""

    source_identity: str | None
    region: str | None
    role_arn: str
    external_id: str | None
    policy: str
    policy_arns: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    transitive_tags: tuple[str, ...]
    duration: int


def of(request: Request) -> Asked:
    """Return what a request asked for."""
    return Asked(
        source_identity=request.source_identity,
        region=request.region,
        role_arn=request.role_arn,
        external_id=request.external_id,
        policy=canonical(json.loads(request.policy or "null")),
        policy_arns=request.policy_arns,
        tags=tuple(sorted(request.tags.items())),
        transitive_tags=tuple(sorted(request.transitive_tags)),
        duration=request.duration_seconds,
    )


def canonical(policy: object) -> str:
    """Return a policy as two that say the same are written."""
    return json.dumps(policy, sort_keys=True)
