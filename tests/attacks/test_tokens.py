"""T1, T2, T3, T5, T6, T7, T8, T15, T16: each hostile token of the corpus comes to two doors, and has nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.attacks.ground import ALGORITHMS, container, keys_of, sts, twin, with_token
from tests.attacks.hostile import HERE
from tests.server.http import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.attacks.ground import Ground

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

DOORS: Final[tuple[Callable[[str], bytes], ...]] = (
    container,
    lambda token: container(f"Bearer {token}"),
    lambda token: twin(token, {}),
    lambda token: sts(with_token(token)),
    lambda token: request("/v1/scopes", token),
    lambda token: request("/v1/explain", token, method="POST", body=b'{"scope":"reports:read"}'),
    lambda token: request("/v1/console/reports:read", token, method="POST", body=b"{}"),
)
REFUSED: Final = {400, 401, 431}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_t1_an_honest_token_opens_every_door(ground: Ground, algorithm: str) -> None:
    for door in DOORS[:-1]:
        assert (await ground.ask(door(ground.reporter(algorithm=algorithm)))).status == 200


@pytest.mark.parametrize("name", HERE, ids=[f"{case.threat} {name}" for name, case in HERE.items()])
async def test_t1_t2_t3_t5_t6_t7_t8_t15_t16_a_hostile_token_opens_none(ground: Ground, name: str) -> None:
    case = HERE[name]
    issuer = ground.issuers[case.algorithm]
    token = case.make(ground.pen(case.algorithm))
    issuer.jwks_body = None
    asked = len(ground.sts.requests)
    sent = token.encode("utf-8", "surrogatepass").decode("latin-1")
    other = DOORS[1 + list(HERE).index(name) % (len(DOORS) - 1)]
    for door in (container, other):
        answer = await ground.ask(door(sent))
        assert answer.status in REFUSED
        assert keys_of(answer) == []
    assert len(ground.sts.requests) == asked
    assert not ground.evil.requests


async def test_t9_a_flood_of_unknown_keys_asks_an_issuer_once(ground: Ground) -> None:
    ground.issuers["EdDSA"].requests.clear()
    for number in range(100):
        answer = await ground.ask(container(ground.issuers["EdDSA"].token(kid=f"unknown-{number}")))
        assert answer.code == "invalid_token"
    assert sum(ground.issuers["EdDSA"].requests.values()) <= 2


async def test_t10_an_outage_of_keys_turns_nobody_away_and_lets_nobody_in(ground: Ground) -> None:
    issuer = ground.issuers["ES512"]
    issuer.fault = "down"
    assert (await ground.ask(container(ground.reporter(algorithm="ES512")))).status == 200
    assert (await ground.ask(container(issuer.token(key=issuer.stranger())))).code == "invalid_token"
    issuer.fault = None


async def test_t2_a_key_of_one_issuer_signs_for_no_other(ground: Ground) -> None:
    for claimed, issuer in ground.issuers.items():
        for signer in ground.issuers.values():
            answer = await ground.ask(container(issuer.token(key=signer.key, kid=issuer.key.kid)))
            assert (answer.status == 200) is (signer is issuer), claimed
