"""Golden vectors: each file is complete in itself, a configuration and claims, and what they come to.

A vector that has to change is a change of what users get: say so in the changelog.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vendor.config import load
from vendor.identity import attributes
from vendor.identity.principal import Principal
from vendor.policy.decision import Asked, Mapping
from vendor.refusals import Refusal

if TYPE_CHECKING:
    from vendor.policy.session import RoleSession

VECTORS = sorted(Path(__file__).parent.glob("*.json"))


def outcome(vector: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what a vector's claims and wish come to: a whole session, or a refusal's code and reason."""
    path = folder / "vendor.yaml"
    path.write_text(json.dumps(vector["configuration"]))  # JSON is YAML 1.2
    configuration = load(path, environ={})
    mapping = Mapping(scopes=configuration.scopes, generation=1)
    claims = vector["claims"]
    issuer = next(one for one in configuration.issuers.values() if one.url == claims["iss"])
    said = vector["asked"]
    seconds = said.get("duration_seconds")
    asked = Asked(
        scope=said.get("scope"),
        parameters=said.get("parameters", {}),
        duration=None if seconds is None else timedelta(seconds=seconds),
    )
    try:
        principal = Principal(
            issuer=issuer.name,
            issuer_url=issuer.url,
            subject=claims["sub"],
            attributes=attributes.read(issuer, claims["sub"], claims),
            token_expires=datetime.fromtimestamp(claims["exp"], UTC),
            token_sha256="0" * 64,
        )
        session = mapping.open(mapping.permit(principal, asked.scope), principal, asked)
    except Refusal as refusal:
        return {"refusal": {"code": refusal.code, "reason": refusal.reason}}
    return {"session": shown(session)}


def shown(session: RoleSession) -> dict[str, Any]:
    """Return a session as JSON shows it, the policy parsed."""
    known = {part.name: getattr(session, part.name) for part in fields(session) if part.init}
    known["policy"] = None if session.policy is None else json.loads(session.policy)
    known["duration"] = int(session.duration.total_seconds())
    known["not_after"] = None if session.not_after is None else session.not_after.isoformat()
    listed: dict[str, Any] = json.loads(json.dumps(known))
    return {**listed, "policy_sha256": session.policy_sha256}


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_vector_comes_to_what_it_says(path: Path, tmp_path: Path) -> None:
    vector = json.loads(path.read_text("utf-8"))
    assert outcome(vector, tmp_path) == vector["expected"], vector["says"]


def test_there_are_vectors_of_both_kinds() -> None:
    kinds = {next(iter(json.loads(path.read_text("utf-8"))["expected"])) for path in VECTORS}
    assert kinds == {"session", "refusal"}
