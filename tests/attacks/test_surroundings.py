"""T3, T4, T21, T25, T26, T30, T33, T34: issuers, STS, the audit file and the configuration turn against the service."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.attacks.ground import container, keys_of
from tests.fakes import faults
from tests.server.http import get, request
from tests.service import CONFIGURATION, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.attacks.ground import Ground
    from tests.fakes.faults import Fault

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

PATH: Final = "/v1/credentials/reports:read"
ELSEWHERE: Final = (
    *(
        "http://169.254.169.254/latest",
        "http://127.0.0.1:PORT",
        "http://localhost:PORT",
        "http://[::1]:PORT",
        "file:///etc/passwd",
    ),
    *(
        "http://127.0.0.1:PORT@evil.test",
        "https://127.0.0.1:PORT/../",
        "http://0x7f000001:PORT",
        "http://2130706433:PORT",
        "",
    ),
    *(
        "HTTP://127.0.0.1:GOOD",
        "http://127.0.0.1:GOOD/",
        "http://127.0.0.1:GOOD ",
        "http://127.0.0.1:GOOD#",
        "http://127.0.0.1:0GOOD",
    ),
)
FAULTS: Final[dict[str, Fault]] = {
    "no token": faults.NO_SESSION_TOKEN,
    "no end": faults.NO_EXPIRATION,
    "an end that has been": faults.PAST_EXPIRATION,
    "an end that is none": faults.GARBAGE_EXPIRATION,
    "an end that is too late": faults.LATE_EXPIRATION,
    "another role": faults.OTHER_ROLE,
    "half an answer": faults.CUT_XML,
    "ten megabytes": faults.OVERSIZE,
    "nothing": faults.RESET,
    **{code: faults.error(code) for code in faults.STATUS},
    "a code that nobody knows": faults.error("Surprise", status=418),
    "a server that is lost": faults.error("InternalFailure", status=599),
}


@pytest.mark.parametrize("issuer", ELSEWHERE, ids=[f"T3 {issuer}" for issuer in ELSEWHERE])
async def test_t3_a_claim_is_no_address(ground: Ground, issuer: str) -> None:
    ports = [server.url.rpartition(":")[2] for server in (ground.evil, ground.issuers["RS256"])]
    said = issuer.replace("PORT", ports[0]).replace("GOOD", ports[1])
    asked = sum(ground.issuers["RS256"].requests.values())
    token = ground.evil.token({"iss": said, "aud": "vendor"})
    assert (await ground.ask(container(token))).code == "invalid_token"
    assert not ground.evil.requests
    assert sum(ground.issuers["RS256"].requests.values()) == asked


@pytest.mark.parametrize("name", FAULTS, ids=[f"T21 {name}" for name in FAULTS])
async def test_t21_what_sts_gets_wrong_is_given_to_nobody(tmp_path: Path, name: str) -> None:
    async with World(tmp_path) as world:  # of its own, as the service remembers what went wrong
        world.sts.fault(FAULTS[name])
        answers = [await get(world.service.public, PATH, world.token(f"batch-{number}")) for number in range(3)]
        assert {answer.status for answer in answers} <= {502, 503}
        assert not any(key for answer in answers for key in keys_of(answer))
        assert world.sts.requests
        told = world.audit_path.read_text() + "".join(world.service.log)
        assert not any(one in told for one in ("CANARY", '"defect"', "Traceback"))


async def test_t25_no_name_of_an_attacker_becomes_a_series(ground: Ground) -> None:
    before = await _series(ground)
    for number in range(150):
        await ground.ask(container(ground.builder(sub=f"s-{number}", team=f"t-{number}"), f"scope-{number}"))
        await ground.ask(container(ground.issuers["RS256"].token(kid=f"k-{number}")))
        await ground.ask(request(f"/v1/path-{number}", ground.reporter(), method=f"M{number}"))
    assert await _series(ground) - before <= {
        series for series in await _series(ground) if not re.search(r"(s|t|k|scope|path)-\d|M\d", series)
    }
    assert len(await _series(ground)) < len(before) + 60  # new pairs of code and reason, and their buckets


async def _series(ground: Ground) -> set[str]:
    answer = await ground.ask(request("/metrics"), operators=True)
    return {line.rpartition(" ")[0] for line in answer.body.decode().splitlines() if not line.startswith("#")}


DAMAGE: Final[dict[str, Callable[[str], str | bytes]]] = {
    "nothing": lambda _: "",
    "half of it": lambda text: text[: len(text) // 2],
    "bytes": lambda _: b"\xff\xfe\x00" * 100,
    "an alias": lambda text: text + "\nx: &a [1]\ny: *a\n",
    "a billion laughs": lambda text: text + "\na: &a [x,x]\n" + "".join(f"{n}: &{n} [*a,*a]\n" for n in "bcdefgh"),
    "a tag": lambda text: text + "\nx: !!python/object/apply:os.system [id]\n",
    "no scope's policy": lambda text: text[: text.index("      policy:")] + "      duration: 1h\n",
    "an issuer of everybody": lambda text: text.replace("service_account: [reporter", "service_account: ['*'").replace(
        "where: {namespace: analytics, ", "where: {regex: '.*', "
    ),
    "a symmetric algorithm": lambda text: text.replace("kind: kubernetes,", "kind: kubernetes, algorithms: [HS256],"),
    "no algorithm": lambda text: text.replace("kind: kubernetes,", "kind: kubernetes, algorithms: [none],"),
    "an action that is filled": lambda text: text.replace('"s3:GetObject"', '"s3:{{ namespace }}"'),
    "a star behind a value": lambda text: text.replace("{{ namespace }}/", "{{ namespace }}*"),
    "an old version": lambda text: text.replace("2012-10-17", "2008-10-17"),
    "a reference in a policy": lambda text: text.replace("arn:aws:s3:::reports", "${env:PATH}"),
    "an unknown key": lambda text: text + "\nadmin: true\n",
    "a long document": lambda text: text + "# " + "x" * 3_000_000,
    "brackets": lambda text: text + "\nx: " + "[" * 100_000,
}


async def test_t12_t30_no_damage_to_its_file_reaches_who_is_served(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        path = tmp_path / "vendor.yaml"
        good = path.read_text()
        for name, damage in DAMAGE.items():
            told = len([line for line in world.service.log if "reloaded" in line])
            made = damage(good)
            path.with_suffix(".new").write_bytes(made if isinstance(made, bytes) else made.encode())
            path.with_suffix(".new").rename(path)
            async with asyncio.timeout(20):
                while len([line for line in world.service.log if "reloaded" in line]) == told:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert (await get(world.service.public, PATH, world.token())).status == 200, name
            assert (await get(world.service.public, PATH, world.token(namespace="other"))).status == 403, name
        lines = [json.loads(line) for line in world.service.log if "reloaded" in line and line.startswith("{")]
        assert sum("not reloaded" in line["event"] for line in lines) >= len(DAMAGE) - 1
        assert not [line for line in world.service.log if "Traceback" in line or '"defect"' in line]


async def test_t26_nothing_leaves_without_its_line(tmp_path: Path) -> None:
    configuration = CONFIGURATION.replace('audit: {{path: "{audit}"}}', 'audit: {{path: "/dev/full"}}')
    async with World(tmp_path, configuration=configuration) as world:
        answers = [await get(world.service.public, PATH, world.token(f"batch-{number}")) for number in range(20)]
        assert {(answer.status, answer.code) for answer in answers} == {(503, "audit_unavailable")}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)


async def test_t33_one_who_asks_too_much_is_turned_away_alone(tmp_path: Path) -> None:
    limits = "limits: {{per_principal: {{requests_per_second: 1, burst: 5}}}}\n"
    async with World(tmp_path, configuration=CONFIGURATION + limits) as world:
        world.sts.fault(faults.error("AccessDenied"))
        codes = [(await get(world.service.public, PATH, world.token())).code for _ in range(30)]
        assert codes[-1] == "rate_limited"
        assert (await get(world.service.public, PATH, world.token("batch-quiet"))).code == "role_refused"


@pytest.mark.parametrize("fault", ["redirect", "oversize", "html", "wrong_issuer", "cut", "down"])
async def test_t4_t10_no_answer_of_an_issuer_lets_anybody_in(tmp_path: Path, fault: str) -> None:
    world = World(tmp_path)
    world.issuer.fault = fault
    async with world:
        answer = await get(world.service.public, PATH, world.token())
        assert (answer.status, answer.code) == (503, "issuer_unavailable")
        assert world.sts.requests == []
