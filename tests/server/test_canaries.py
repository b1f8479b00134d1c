"""No token, secret, external id or secret of the service's own stands anywhere but in the one answer that it is for."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.fakes import faults
from tests.fakes.sts import SECRET, TOKEN
from tests.fakes.valkey import Valkey
from tests.server.http import Answer, Connection, exchange, get, post, request
from tests.server.sts_client import asked, assume
from tests.service import BASE_IDENTITY, CONFIGURATION, World

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v1/credentials/reports:read"
POST = {"method": "POST", "headers": {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}}


async def test_secrets_stand_in_no_log_audit_line_metric_or_refusal(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        tokens, told = await _lived_through(world)
    assert len(world.audit()) > len(tokens)
    _check(world, tokens, told)


async def test_nor_do_they_with_the_root_logger_at_debug_nor_those_of_the_store(tmp_path: Path) -> None:
    """T23: whatever a library logs at DEBUG is on stderr here, as `logging.basicConfig` puts it."""
    (tmp_path / "sitecustomize.py").write_text(AT_DEBUG)
    key = base64.b64encode(b"CANARY-key-of-the-store-32-bytes")
    (tmp_path / "k1").write_bytes(key)
    users = ("--user", "vendor", "on", ">CANARY-password", "~vendor:*", "&vendor:*", "+@all")
    async with Valkey(*users) as server:
        url = server.url.replace("redis://", "redis://vendor@")
        store = f'redis: {{url: "{url}", password: CANARY-password, encryption_keys: [{{id: k1, file: k1}}]}}'
        said = f"store: {{{store}}}\n".replace("{", "{{").replace("}", "}}")
        configuration = CONFIGURATION.replace("issuers:\n", f"{said}issuers:\n")
        async with World(tmp_path, configuration=configuration, environ={"PYTHONPATH": str(tmp_path)}) as world:
            tokens, told = await _lived_through(world)
    assert "the root logger is at DEBUG" in "\n".join(world.service.log)
    assert b'vendor_store_requests_total{operation="claim",result="ok"}' in told[-1].body
    _check(world, tokens, told, "CANARY-password", "CANARY-key", key.decode())


AT_DEBUG = """
import logging
logging.basicConfig(level=logging.DEBUG)
logging.debug("the root logger is at DEBUG")
"""


async def _lived_through(world: World) -> tuple[list[str], list[Answer]]:
    """Return every token that was sent and every answer that holds no credentials, the last one the metrics."""
    good = [world.token(), world.token("batch-1"), world.token("vendor-operator", namespace="platform")]
    bad = [*world.issuer.hostile().values(), world.issuer.unknown_kid(), world.token(namespace="other")]
    refused = [await get(world.service.public, PATH, token) for token in bad]
    assert [(await get(world.service.public, PATH, token)).status for token in good[:2]] == [200, 200]
    assert [(await assume(world.service.public, token)).answer.status for token in good[:2]] == [200, 200]
    refused += [(await assume(world.service.public, token)).answer for token in bad]
    refused += await _misused(world, good[0])
    refused += await _failed(world)
    told = [await _explained(world, good[0]), await get(world.service.public, "/v1/scopes", good[0])]
    told.append(await get(world.service.operations, "/metrics", Accept="application/openmetrics-text"))
    world.service.terminate()
    assert await world.service.process.wait() == 0
    assert all(answer.status >= 400 for answer in refused)
    assert all(answer.status == 200 for answer in told)
    return [*good, *bad], [*refused, *told]


def _check(world: World, tokens: list[str], told: list[Answer], *more: str) -> None:
    """Check that no secret is in stdout, stderr, audit lines or answers."""
    written = "\n".join(
        [
            (world.folder / "stdout").read_text(),
            "\n".join(world.service.log),
            world.audit_path.read_text(),
            *(answer.body.decode() + str(answer.headers) for answer in told),
        ]
    )
    secrets = [SECRET, TOKEN, "CANARY-external-id", BASE_IDENTITY["AWS_SECRET_ACCESS_KEY"], "CANARY-sent", *more]
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
