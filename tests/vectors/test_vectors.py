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
from vendor.identity import claims
from vendor.identity.token import UnverifiedToken
from vendor.policy import limits
from vendor.policy.decision import Asked, Mapping
from vendor.refusals import Refusal

if TYPE_CHECKING:
    from vendor.policy.session import RoleSession

VECTORS = sorted(Path(__file__).parent.glob("*.json"))


def outcome(vector: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what a vector's claims and wish come to: a whole session, or a refusal's code and reason.

    `files` are written beside the configuration; `now` is when the session is opened, just before the token ends if
    it is not said; where it is, the seconds that STS is asked for are part of what is expected.
    """
    path = folder / "vendor.yaml"
    path.write_text(json.dumps(vector["configuration"]))  # JSON is YAML 1.2
    for name, content in vector.get("files", {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    configuration = load(path, environ={})
    mapping = Mapping(scopes=configuration.scopes, generation=1)
    said = vector["claims"]
    issuer = next(one for one in configuration.issuers.values() if one.url == said["iss"])
    expiry = datetime.fromtimestamp(said["exp"], UTC)
    now = datetime.fromisoformat(vector["now"]) if "now" in vector else expiry - timedelta(seconds=1)
    try:
        principal = claims.judge(verified(said), issuer, now)
        asked = wish(vector["asked"])
        session = mapping.open(mapping.permit(principal, asked.scope), principal, asked)
    except Refusal as refusal:
        return {"refusal": {"code": refusal.code, "reason": refusal.reason}}
    sent = {"sent_seconds": limits.shortened(session, now).total_seconds()} if "now" in vector else {}
    return {"session": {**shown(session), **sent}}


def wish(said: dict[str, Any]) -> Asked:
    """Return what a vector asks for."""
    seconds = said.get("duration_seconds")
    return Asked(
        scope=said.get("scope"),
        parameters=said.get("parameters", {}),
        duration=None if seconds is None else timedelta(seconds=seconds),
    )


def verified(said: dict[str, Any]) -> UnverifiedToken:
    """Return the token of a vector's claims, as if a key had signed it."""
    return UnverifiedToken(
        sha256="0" * 64,
        signing_input=b"",
        signature=b"",
        algorithm="RS256",
        key_id="k1",
        kind="",
        issuer=said["iss"],
        claims=said,
    )


def shown(session: RoleSession) -> dict[str, Any]:
    """Return a session as JSON shows it, the policy parsed, without the fingerprint of what it was read from.

    What other actions than AssumeRole need is shown where it is there.
    """
    always = {"role_arn", "external_id"}
    told = [part for part in fields(session) if part.init and part.name != "terms"]
    known = {part.name: getattr(session, part.name) for part in told}
    for part in told:
        if part.name not in always and known[part.name] == part.default:
            del known[part.name]
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
