"""A second library's opinion: what is accepted here holds there too, and what it refuses is refused here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from tests.fakes import tokens
from tests.fakes.clock import Clock
from tests.fakes.issuer import Issuer
from tests.identity import made
from vendor.refusals import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Callable


def _mixed(issuer: Issuer) -> str:
    head, _, tail = issuer.token().split(".")
    return f"{head}.{issuer.token({'sub': 'admin'}).split('.')[1]}.{tail}"


CASES: dict[str, tuple[Callable[[Issuer], str], bool]] = {
    "good": (lambda issuer: issuer.token(), True),
    "good, with claims of its own": (lambda issuer: issuer.token({"x": ["caf\u00e9"]}), True),
    "tampered": (lambda issuer: tokens.tampered(issuer.token()), False),
    "signed by a stranger": (lambda issuer: issuer.token(key=issuer.stranger()), False),
    "none": (lambda issuer: tokens.unsigned(issuer.header(), tokens.write(issuer.claims())), False),
    "claims of another": (_mixed, False),
    "padded": (lambda issuer: issuer.token() + "=", False),
    "cut": (lambda issuer: issuer.token()[:-4], False),
    "another algorithm": (lambda issuer: issuer.token(header={"alg": "HS256"}), False),
    "crit": (lambda issuer: issuer.token(header={"crit": ["x"], "x": 1}), False),
}


def theirs(token: str, member: dict[str, Any], algorithm: str) -> bool:
    try:
        jwt.decode(token, jwk.import_key(member), algorithms=[algorithm])
    except (JoseError, ValueError):
        return False
    return True


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES512"])
@pytest.mark.parametrize("name", CASES)
async def test_two_libraries_are_of_one_opinion(name: str, algorithm: str) -> None:
    make, good = CASES[name]
    clock = Clock()
    async with Issuer(algorithm=algorithm, clock=clock) as issuer:
        token = make(issuer)
        ours = made.trusting(issuer, clock=clock, algorithms=(algorithm,))
        if good:
            assert (await ours.authenticate(token)).issuer == "a"
        else:
            with pytest.raises(InvalidToken):
                await ours.authenticate(token)
        assert theirs(token, issuer.key.jwk(), algorithm) is good
