"""No token, secret, external id or secret of the service's own stands anywhere but in the one answer that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.fakes import faults
from tests.fakes.sts import SECRET, TOKEN
from tests.server.http import Answer, Connection, exchange, get, post, request
from tests.server.sts_client import asked, assume
from tests.service import BASE_IDENTITY, World

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v1/credentials/reports:read"
POST = {"method": "POST", "headers": {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}}


async def test_secrets_stand_in_no_log_audit_line_metric_or_refusal(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        good = [world.token(), world.token("batch-1"), world.token("vendor-operator", namespace="platform")]
        bad = [*world.issuer.hostile().values(), world.issuer.unknown_kid(), world.token(namespace="other")]
        tokens = [*good, *bad]
        refused = [await get(world.service.public, PATH, token) for token in bad]
        assert [(await get(world.service.public, PATH, token)).status for token in good[:2]] == [200, 200]
        assert [(await assume(world.service.public, token)).answer.status for token in good[:2]] == [200, 200]
        refused += [(await assume(world.service.public, token)).answer for token in bad]
        refused += await _misused(world, good[0])
        refused += await _failed(world)
        told = [await _explained(world, good[0]), await get(world.service.public, "/v1/scopes", good[0])]
        told.append(await get(world.service.operations, "/metrics"))
        world.service.terminate()
        assert await world.service.process.wait() == 0
    assert all(answer.status >= 400 for answer in refused)
    assert all(answer.status == 200 for answer in told)
    written = "\n".join(
        [
            (tmp_path / "stdout").read_text(),
            "\n".join(world.service.log),
            world.audit_path.read_text(),
            *(answer.body.decode() + str(answer.headers) for answer in [*refused, *told]),
        ]
    )
    assert len(world.audit()) > len(tokens)
    secrets = [SECRET, TOKEN, "CANARY-external-id", BASE_IDENTITY["AWS_SECRET_ACCESS_KEY"], "CANARY-sent"]
    parts = [part for token in tokens for part in token.split(".")[1:] if part]
    assert [secret[:60] for secret in [*secrets, *parts] if secret in written] == []


async def _misused(world: World, token: str) -> list[Answer]:
    """Send a good token in ways in which a library might repeat it."""
    field = f"Authorization: {token}\r\n".encode()
    raw = [
        request(PATH)[:-2] + field + field + b"\r\n",
        request(PATH, f"{token}\0"),
        request(PATH, f"{token}{'A' * 33_000}"),
        request(f"{PATH}?token={token}", token),
        request(f"{PATH}?month={token}", token),
        request(f"/v1/credentials/{token}", token),
        request(PATH, token).replace(b"HTTP/1.1", b"HTTP/2.0"),
        request(f"http://{token}/", token),
        request(PATH, token, method=token),
        request(PATH, token, method="POST", body=f'{{"parameters":{{"month":"{token}"}}}}'.encode()),
        request(PATH, token, **POST) + b"CANARY-sent\r\n",  # type: ignore[arg-type]
        field + b"\r\n",
        request(f"/?Action=AssumeRoleWithWebIdentity&WebIdentityToken={token}", method="PUT"),
        *(request("/sts", method="POST", body=form.encode()) for form in _forms(token)),
    ]
    return [await exchange(world.service.public, one) for one in raw]


def _forms(token: str) -> list[str]:
    """Return what STS is asked with a token where it may not stand, or where something else is wrong."""
    sent = asked(token)
    wrong: list[dict[str, str]] = [{"RoleArn": token}, {"RoleSessionName": token}, {"Action": token}, {token: token}]
    return [urlencode({**sent, **one}) for one in wrong] + [
        urlencode(sent) + "&%ff",
        f"{urlencode(sent)}&RoleArn={token}",
    ]


async def _failed(world: World) -> list[Answer]:
    """Let STS fail in ways in which a library might repeat what was sent or answered."""
    answers = []
    kinds = [faults.CUT_XML, faults.OTHER_ROLE, faults.GARBAGE_EXPIRATION, faults.NO_SESSION_TOKEN, faults.RESET]
    for number, fault in enumerate([*kinds, faults.error("SignatureDoesNotMatch"), faults.error("AccessDenied")]):
        world.sts.fault(fault)
        answers.append(await get(world.service.public, PATH, world.token(f"batch-fault-{number}")))
    world.sts.heal()
    async with await Connection.open(world.service.public) as leaving:
        await leaving.send(request(PATH, world.token("batch-leaving")))
        leaving.cut()
    return answers


async def _explained(world: World, token: str) -> Answer:
    return await post(world.service.public, "/v1/explain", token, {"scope": "reports:read"})
