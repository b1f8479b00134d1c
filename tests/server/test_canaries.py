"""No token, secret, external id or secret of the service's own stands anywhere but in the one answer that it is for.

Every served world is looked through when it ends (`tests.canaries`); here everything is done in one that a library or
we might tell of.
"""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests import canaries
from tests.fakes import faults
from tests.fakes.collector import Collector
from tests.fakes.valkey import Valkey
from tests.server.http import Answer, Connection, exchange, get, post, request
from tests.server.sts_client import asked, assume
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v1/credentials/reports:read"
POST = {"method": "POST", "headers": {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DEFECTIVE = "batch-defective"
# As a careless program would, and with two defects for one principal, which say all that they are given: one that the
# caller waits for, and one that nobody does.
AT_DEBUG = f"""
import asyncio
import logging
logging.basicConfig(level=logging.DEBUG)
for name in ("botocore", "aiobotocore", "aiohttp", "asyncio", "redis", "urllib3"):
    logging.getLogger(name).setLevel(logging.DEBUG)
logging.debug("the root logger is at DEBUG")

from vendor.leases.leases import Leases
lend = Leases.lend

async def defective(self, session, **more):
    lent = await lend(self, session, **more)
    if session.source_identity == "analytics.{DEFECTIVE}":
        told = lent[0].credentials.secret_access_key.reveal(), session.external_id
        asyncio.get_running_loop().call_soon(int, told[0])
        try:
            raise KeyError(*told)
        except KeyError as exc:
            raise ValueError("not %s" % (told,)) from exc
    return lent

Leases.lend = defective
"""


# As AWS says it: with the request that it would have signed, in which the service's own session token stands.
MISMATCH = faults.error("SignatureDoesNotMatch", message="The signature does not match.\n\nPOST\n/\nCANARY-signed")


async def test_t23_secrets_stand_in_no_log_audit_line_metric_or_refusal(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await _live_through(world)


async def test_t23_nor_do_they_where_the_answer_of_sts_is_no_good(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        kinds = faults.GARBAGE_EXPIRATION, faults.NO_SESSION_TOKEN, faults.RESET
        answers = await _refused(world, *kinds)
        assert [answer.code for answer in answers] == ["sts_unavailable"] * 3


async def test_t23_nor_do_they_with_every_logger_at_debug_nor_those_of_the_store_nor_in_traces(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(AT_DEBUG)
    (tmp_path / "k1").write_bytes(base64.b64encode(b"CANARY-key-of-the-store-32-bytes"))
    users = ("--user", "vendor", "on", ">CANARY-password", "~vendor:*", "&vendor:*", "+@all")
    async with Valkey(*users) as server, Collector() as collector:
        url = server.url.replace("redis://", "redis://vendor@")
        store = f'redis: {{url: "{url}", password: CANARY-password, encryption_keys: [{{id: k1, file: k1}}]}}'
        said = f"store: {{{store}}}\n".replace("{", "{{").replace("}", "}}")
        environ = {
            "PYTHONPATH": str(tmp_path),
            "PYTHONASYNCIODEBUG": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=CANARY%20key",
        }
        configuration = CONFIGURATION.replace("issuers:\n", f"{said}issuers:\n")
        async with World(tmp_path, configuration=configuration, environ=environ) as world:
            defect = await get(world.service.public, PATH, world.token(DEFECTIVE))
            assert (defect.status, defect.code) == (500, "internal_error")
            metrics = await _live_through(world)
            await collector.exchange(defect.headers["x-request-id"])
            await _reload_badly(world)
            assert {told.split()[-1] for told in _logged(world, "defect")} == {"ValueError"}
            assert len(_logged(world, "defect")) == 2
        assert b'vendor_store_requests_total{operation="claim",result="ok"}' in metrics
        assert "the root logger is at DEBUG" in "\n".join(world.service.log)


async def _live_through(world: World) -> bytes:
    """Ask at each door well and in every wrong way, and return the metrics."""
    good = [world.token(), world.token("batch-1"), world.operator()]
    bad = [*world.issuer.hostile().values(), world.issuer.unknown_kid(), world.token(namespace="other")]
    world.service.sent += [token.encode() for token in [*good, *bad]]
    refused = [await get(world.service.public, PATH, token) for token in bad]
    assert [(await get(world.service.public, PATH, token)).status for token in good[:2]] == [200, 200]
    assert [(await post(world.service.public, PATH, token)).status for token in good[:2]] == [200, 200]
    assert [(await assume(world.service.public, token)).answer.status for token in good[:2]] == [200, 200]
    refused += [(await assume(world.service.public, token)).answer for token in bad]
    refused += await _misused(world, good[0])
    refused += await _failed(world)
    told = [*await _operated(world, good[2]), await get(world.service.public, "/v1/scopes", good[0])]
    told.append(await post(world.service.public, "/v1/explain", good[0], {"scope": "reports:read"}))
    told.append(await get(world.service.operations, "/metrics", Accept="application/openmetrics-text"))
    assert all(answer.status >= 400 for answer in refused)
    assert [answer.status for answer in told if answer.status not in (200, 201)] == []
    canaries.check(
        *(answer.body + str(answer.headers).encode() for answer in [*refused, *told]), sent=world.service.sent
    )
    return told[-1].body


async def _operated(world: World, token: str) -> list[Answer]:
    """Do what operators do; the forms of the page have the token in them of who signed in, and of nobody else."""
    url = world.service.operations
    about = {"issuer": "cluster-a", "attributes": {"namespace": "analytics", "service_account": "reporter"}}
    stopped = {"scope": "reports:read", "principal": "system:serviceaccount:analytics:batch-1", "duration_seconds": 900}
    signed_in = urlencode({"do": "sign-in", "token": token}).encode()
    sent = FORM | {"Content-Length": str(len(signed_in))}
    page = await exchange(url, request("/", method="POST", headers=sent) + signed_in)
    return [
        replace(page, body=page.body.replace(token.encode(), b"")),
        await post(url, "/v1/explain", token, {"scope": "reports:read", **about}),
        await get(url, "/v1/leases", token),
        await get(url, "/v1/status", token),
        await post(url, "/v1/revocations", token, stopped),
    ]


async def _reload_badly(world: World) -> None:
    """Put secrets where they may not be."""
    path = world.folder / "vendor.yaml"
    good = path.read_text()
    for secret, wrong in {"CANARY-external-id": "CANARY wrong", "CANARY-password": "[CANARY-wrong]"}.items():
        before = len(_logged(world, "configuration not reloaded"))
        path.write_text(good.replace(secret, wrong))
        async with asyncio.timeout(20):
            while len(_logged(world, "configuration not reloaded")) == before:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)
    path.write_text(good)


def _logged(world: World, event: str) -> list[str]:
    lines = [json.loads(line) for line in world.service.log if line.startswith("{")]
    return [str(line.get("exception")) for line in lines if line["event"] == event]


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


async def _refused(world: World, *kinds: faults.Fault) -> list[Answer]:
    """Have STS fail in each of these ways; after three of them in a row it is let alone."""
    answers = []
    for number, fault in enumerate(kinds):
        world.sts.fault(fault)
        before = len(world.sts.requests)
        answers.append(await get(world.service.public, PATH, world.token(f"batch-fault-{number}")))
        assert len(world.sts.requests) > before
    return answers


async def _failed(world: World) -> list[Answer]:
    """Let STS fail in ways in which a library might repeat what was sent or answered."""
    answers = await _refused(world, faults.error("AccessDenied"), faults.CUT_XML, faults.OTHER_ROLE, MISMATCH)
    world.sts.heal()
    async with await Connection.open(world.service.public) as leaving:
        await leaving.send(request(PATH, world.token("batch-leaving")))
        leaving.cut()
    return answers
