"""The first sight of a token over bare PyJWT's `decode` with the same key, audience and issuer, by algorithm."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import jwt

from tests.fakes import tokens
from tests.fakes.keys import make_key
from vendor.identity import claims, token
from vendor.identity.authentication import VerificationKey, check_signature
from vendor.identity.issuer import DiscoveredKeys, Issuer, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
TOKENS: Final = 200
URL: Final = "https://issuer.example"


def compare(*, rounds: int) -> dict[str, dict[str, Any]]:
    """Return for each algorithm the microseconds of both, and the median and spread of the rounds' ratios."""
    return {algorithm: _compare(algorithm, rounds) for algorithm in ALGORITHMS}


def _compare(algorithm: str, rounds: int) -> dict[str, Any]:
    signing = make_key(algorithm)
    public = signing.private.public_key()
    issuer = Issuer(
        name="cluster-a",
        url=URL,
        audience="vendor",
        kind=Kind.KUBERNETES,
        keys=DiscoveredKeys(),
        algorithms=(algorithm,),
        extra_attributes=(),
        max_token_lifetime=timedelta(days=1),
        leeway=timedelta(seconds=30),
        strict_aud=False,
        allow_private_addresses=False,
    )
    key = VerificationKey(algorithm=algorithm, public_key=public)
    sent = [_token(number, signing) for number in range(TOKENS)]

    def ours(text: str) -> None:
        unverified = token.parse(text)
        check_signature(unverified, key)
        claims.judge(unverified, issuer, datetime.now(UTC))

    def bare(text: str) -> None:
        jwt.decode(text, public, algorithms=[algorithm], audience="vendor", issuer=URL)

    measured = [(_took(ours, sent), _took(bare, sent)) for _ in range(rounds + 1)][1:]
    ratios = [one / other for one, other in measured]
    return {
        "ratio": statistics.median(ratios),
        "ratio_spread": [min(ratios), max(ratios)],
        "vendor_us": statistics.median(one for one, _ in measured),
        "bare_us": statistics.median(other for _, other in measured),
    }


def _token(number: int, key: Any) -> str:
    now = int(time.time())
    name = f"batch-{number}"
    bound = {"namespace": "analytics", "serviceaccount": {"name": name, "uid": f"u-{number}"}}
    said = {"iss": URL, "aud": "vendor", "sub": f"system:serviceaccount:analytics:{name}", "kubernetes.io": bound}
    payload = tokens.write({**said, "iat": now, "nbf": now, "exp": now + 3600, "jti": f"{number}"})
    return tokens.signed(tokens.write({"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}), payload, key=key)


def _took(verify: Callable[[str], None], sent: list[str]) -> float:
    """Return the microseconds of CPU for each token."""
    began = time.process_time()
    for text in sent:
        verify(text)
    return (time.process_time() - began) / len(sent) * 1e6
