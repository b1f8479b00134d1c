"""A service that runs on the session of a role, as most do, gives out sessions of an hour at most, and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes import tokens
from tests.server.http import get, post
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v1/credentials/reports:read?month=2026-03"
BY_TOKEN = CONFIGURATION.replace(
    '"{sts}",',
    '"{sts}", identity: {{web_identity: {{role: "arn:aws:iam::111122223333:role/vendor", token_file: own}}}},',
).replace("duration: 1h", "duration: 2h", 1)
OWN = f"e30.{tokens.encode(tokens.write({'iss': 'https://oidc.example.com', 'sub': 'vendor'}))}.sig"


async def test_sessions_are_shortened_and_longer_ones_refused_from_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "own").write_text(OWN)
    async with World(tmp_path, configuration=BY_TOKEN) as world:
        token = world.token()
        assert (await get(world.service.public, PATH, token)).status == 200
        longer = await get(world.service.public, f"{PATH}&duration_seconds=7200", token)
        told = (await post(world.service.public, "/v1/explain", token, {"scope": "reports:read"})).json["session"]
        (scope,) = (await get(world.service.public, "/v1/scopes", token)).json["scopes"]
        (asked,) = [sent for sent in world.sts.requests if sent.action == "AssumeRole"]
        line = world.audit()[0]
    assert (longer.status, longer.code) == (400, "invalid_request")
    assert (told["duration_seconds"], told["duration_rule"]) == (3600, "role_session")
    assert (scope["duration_seconds"], scope["max_duration_seconds"]) == (3600, 3600)
    assert (asked.duration_seconds, line["duration_seconds"]) == (3600, 3600)
    assert asked.session_token is not None
