"""A service without any AWS identity of its own: what the caller brings is enough, and nobody misses an identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.issuer import Issuer
from tests.fakes.sts import STS
from tests.server.http import get
from tests.service import CONFIGURATION, ready, served

if TYPE_CHECKING:
    from pathlib import Path

MINT = 'assume_role: {{role: "arn:aws:iam::111122223333:role/reports", external_id: CANARY-external-id}}'
BY_TOKEN = 'web_identity: {{role: "arn:aws:iam::111122223333:role/reports"}}'
NOBODY = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_CONFIG_FILE": "/dev/null",
}
TEXT = CONFIGURATION.replace(MINT, BY_TOKEN).partition("      tags:")[0]


async def test_who_asks_for_more_than_an_hour_before_it_is_known_who_we_are_is_told_to_come_again(
    tmp_path: Path,
) -> None:
    async with Issuer() as issuer, STS() as sts:
        text = CONFIGURATION.format(audit=tmp_path / "audit.jsonl", issuer=issuer.issuer, sts=sts.url)
        async with served(text, tmp_path, environ=NOBODY) as service:
            path = "/v1/credentials/reports:read?month=2026-03&duration_seconds="
            answer = await get(service.public, path + "7200", issuer.token())
            assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "sts_unavailable", "1")
            answer = await get(service.public, path + "43200", issuer.token())
            assert (answer.status, answer.code) == (400, "invalid_request")


async def test_it_mints_by_tokens_and_looks_for_no_identity(tmp_path: Path) -> None:
    async with Issuer() as issuer, STS() as sts:
        text = TEXT.format(audit=tmp_path / "audit.jsonl", issuer=issuer.issuer, sts=sts.url)
        async with served(text, tmp_path, environ=NOBODY) as service:
            await ready(service)
            answer = await get(service.public, "/v1/credentials/reports:read", issuer.token())
            assert answer.status == 200
            (sent,) = sts.requests
            assert (sent.action, sent.access_key_id) == ("AssumeRoleWithWebIdentity", None)
            exposed = (await get(service.operations, "/metrics")).body.decode()
            assert 'vendor_base_identity_healthy{target="aws"}' not in exposed
            assert not [line for line in service.log if "no identity" in line]
