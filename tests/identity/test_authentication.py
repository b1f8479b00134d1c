"""Authentication against a real issuer: what is believed, in which order, and for how long (T1 to T6, T9, T10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fakes import tokens
from tests.fakes.clock import START, Clock
from tests.fakes.issuer import DISCOVERY, JWKS, Issuer
from tests.identity import made
from vendor.identity.authentication import Authenticator, TrustedIssuer, VerificationKey
from vendor.identity.issuer import Kind
from vendor.identity.token import digest
from vendor.refusals import ExpiredToken, InvalidToken, IssuerUnavailable, Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vendor.identity.principal import Principal

NOW = int(START.timestamp())
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer(clock: Clock) -> AsyncIterator[Issuer]:
    async with Issuer(clock=clock) as server:
        yield server


@pytest.fixture
def authenticator(issuer: Issuer, clock: Clock) -> Authenticator:
    return made.trusting(issuer, clock=clock)


class Holding:
    """Keys of a set that a test changes by hand."""

    def __init__(self, key: object, algorithm: str = "RS256") -> None:
        self.generation = 1
        self.key = VerificationKey(algorithm=algorithm, public_key=key)  # type: ignore[arg-type]

    async def find(self, key_id: str) -> VerificationKey:
        return self.key


def holding(issuer: Issuer, keys: Holding, clock: Clock, **changes: Any) -> Authenticator:
    trusted = TrustedIssuer(issuer=made.issuer(url=issuer.issuer, **changes), keys=keys)
    return Authenticator(issuers={issuer.issuer: trusted}, clock=clock)


async def refused(authenticator: Authenticator, token: str) -> InvalidToken:
    """Return the refusal of a token, which nobody may remember."""
    with pytest.raises(InvalidToken) as caught:
        await authenticator.authenticate(token)
    assert caught.value.public == "the token is not accepted"
    assert authenticator.recall(digest(token)) is None
    return caught.value


async def why(authenticator: Authenticator, token: str) -> Reason:
    return (await refused(authenticator, token)).reason


async def test_a_pods_token_proves_who_it_is(issuer: Issuer, authenticator: Authenticator) -> None:
    token = issuer.token()
    principal = await authenticator.authenticate(token)
    assert (principal.issuer, principal.issuer_url) == ("a", issuer.issuer)
    assert principal.subject == "system:serviceaccount:analytics:reporter"
    assert principal.attributes["namespace"] == "analytics"
    assert principal.attributes["issuer"] == "a"
    assert principal.token_expires == START + timedelta(hours=1)
    assert principal.token_sha256 == digest(token)


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"])
async def test_every_asymmetric_algorithm_can_be_taken(algorithm: str, clock: Clock) -> None:
    async with Issuer(algorithm=algorithm, clock=clock) as issuer:
        taking = made.trusting(issuer, clock=clock, algorithms=(algorithm,))
        assert (await taking.authenticate(issuer.token())).issuer == "a"


HOSTILE = {
    "algorithm none": Reason.MALFORMED_TOKEN,
    "hmac with the public key": Reason.ALGORITHM,
    "a claim twice": Reason.MALFORMED_TOKEN,
    "the issuer twice": Reason.MALFORMED_TOKEN,
    "another issuer": Reason.UNKNOWN_ISSUER,
    "oversize": Reason.MALFORMED_TOKEN,
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_token_is_refused_with_no_connection(
    issuer: Issuer, authenticator: Authenticator, name: str
) -> None:
    assert await why(authenticator, issuer.hostile()[name]) is HOSTILE[name]
    assert not issuer.requests


def test_the_list_of_hostile_tokens_is_whole(issuer: Issuer) -> None:
    assert set(issuer.hostile()) == set(HOSTILE)


async def test_algorithm_none_with_a_signature_is_refused_with_no_connection(
    issuer: Issuer, authenticator: Authenticator
) -> None:
    for name in ("none", "None", "NONE", "HS512", "RS384", "rs256", "RS256 "):
        assert await why(authenticator, issuer.token(header={"alg": name})) is Reason.ALGORITHM
    assert not issuer.requests


@pytest.mark.parametrize("change", ["{}/", "{}?x", "{} ", "x{}"])
async def test_the_issuer_is_compared_byte_for_byte(issuer: Issuer, authenticator: Authenticator, change: str) -> None:
    assert await why(authenticator, issuer.token({"iss": change.format(issuer.issuer)})) is Reason.UNKNOWN_ISSUER
    assert await why(authenticator, issuer.token({"iss": issuer.issuer.upper()})) is Reason.UNKNOWN_ISSUER
    assert not issuer.requests


async def test_keys_that_the_token_brings_along_are_not_looked_at(issuer: Issuer, authenticator: Authenticator) -> None:
    async with Issuer() as evil:
        stranger = issuer.stranger()
        header = {"jku": evil.jwks_url, "jwk": stranger.jwk(), "x5u": evil.url, "x5c": ["MII"], "x5t": "x"}
        assert await why(authenticator, issuer.token(header=header, key=stranger)) is Reason.SIGNATURE
        assert await authenticator.authenticate(issuer.token(header=header)) is not None
        assert not evil.requests


async def test_a_flood_of_unknown_keys_costs_one_fetch(issuer: Issuer, authenticator: Authenticator) -> None:
    await authenticator.authenticate(issuer.token())
    for number in range(30):
        assert await why(authenticator, issuer.token(kid=f"nobody-{number}")) is Reason.UNKNOWN_KEY
    assert issuer.requests == {DISCOVERY: 2, JWKS: 2}


async def test_a_key_that_nobody_published_proves_nothing(issuer: Issuer, authenticator: Authenticator) -> None:
    assert await why(authenticator, issuer.token(key=issuer.stranger())) is Reason.SIGNATURE
    assert await why(authenticator, issuer.unknown_kid()) is Reason.UNKNOWN_KEY


async def test_a_signature_with_one_bit_turned_proves_nothing(issuer: Issuer, authenticator: Authenticator) -> None:
    assert await why(authenticator, tokens.tampered(issuer.token())) is Reason.SIGNATURE
    head, _, tail = issuer.token().split(".")
    _, body, _ = issuer.token({"sub": "system:serviceaccount:kube-system:admin"}).split(".")
    assert await why(authenticator, f"{head}.{body}.{tail}") is Reason.SIGNATURE


async def test_the_key_of_one_issuer_never_signs_for_another_that_has_the_same_key_id(clock: Clock) -> None:
    async with Issuer(clock=clock) as one, Issuer(clock=clock) as other:
        both = made.trusting(one, other, clock=clock)
        assert (await both.authenticate(one.token())).issuer == "a"
        assert (await both.authenticate(other.token())).issuer == "b"
        assert one.key.kid == other.key.kid
        assert await why(both, other.token({"iss": one.issuer})) is Reason.SIGNATURE
        assert await why(both, one.token({"iss": other.issuer})) is Reason.SIGNATURE


async def test_a_key_verifies_with_its_own_algorithm_alone(issuer: Issuer, clock: Clock) -> None:
    both = made.trusting(issuer, clock=clock, algorithms=("RS256", "PS256"))
    assert (await both.authenticate(issuer.token())).issuer == "a"
    as_pss = replace(issuer.key, algorithm="PS256")
    assert await why(both, issuer.token(key=as_pss)) is Reason.ALGORITHM


@pytest.mark.parametrize(
    ("audience", "reason"),
    [
        ("other", Reason.AUDIENCE),
        ("Vendor", Reason.AUDIENCE),
        ("vendor/", Reason.AUDIENCE),
        ("vendor ", Reason.AUDIENCE),
        ("", Reason.CLAIMS),
        ([], Reason.CLAIMS),
        (["other"], Reason.AUDIENCE),
        (["vendor", "other"], Reason.AUDIENCE),
        (["vendor", "vendor"], Reason.AUDIENCE),
        (["vendor", 1], Reason.AUDIENCE),
        ([["vendor"]], Reason.AUDIENCE),
        ({"vendor": 1}, Reason.AUDIENCE),
        (1, Reason.AUDIENCE),
        (True, Reason.AUDIENCE),
    ],
)
async def test_a_token_of_another_audience_is_refused(
    issuer: Issuer, authenticator: Authenticator, audience: Any, reason: Reason
) -> None:
    assert await why(authenticator, issuer.token({"aud": audience})) is reason


@pytest.mark.parametrize("audience", ["vendor", ["vendor"]])
async def test_a_token_of_our_audience_alone_is_taken(
    issuer: Issuer, authenticator: Authenticator, audience: Any
) -> None:
    assert (await authenticator.authenticate(issuer.token({"aud": audience}))).issuer == "a"


async def test_further_audiences_are_taken_where_the_issuer_says_so(issuer: Issuer, clock: Clock) -> None:
    lax = made.trusting(issuer, clock=clock, strict_aud=False)
    assert (await lax.authenticate(issuer.token({"aud": ["other", "vendor"]}))).issuer == "a"
    assert await why(lax, issuer.token({"aud": ["other"]})) is Reason.AUDIENCE


@pytest.mark.parametrize(
    ("kind", "types"),
    [(Kind.KUBERNETES, ["JWT", None]), (Kind.GENERIC, ["JWT", "at+jwt", "application/at+jwt", None])],
)
async def test_only_the_types_of_tokens_that_the_kind_of_issuer_makes_are_taken(
    issuer: Issuer, kind: Kind, types: list[str | None]
) -> None:
    trusting = made.trusting(issuer, clock=Clock(), kind=kind)
    for name in ("JWT", "at+jwt", "application/at+jwt", None, "JWE", "secevent+jwt", "logout+jwt", "x/jwt", "JWT "):
        token = issuer.token(header={"typ": name})
        if name in types:
            assert (await trusting.authenticate(token)).issuer == "a"
        else:
            assert await why(trusting, token) is Reason.TOKEN_TYPE


@pytest.mark.parametrize("name", ["sub", "aud", "exp", "iat"])
async def test_a_token_without_a_claim_that_it_must_carry_is_refused(
    issuer: Issuer, authenticator: Authenticator, name: str
) -> None:
    assert await why(authenticator, issuer.token({name: None})) is Reason.CLAIMS
    null = tokens.write({**issuer.claims(), name: 0}).replace(f'"{name}":0'.encode(), f'"{name}":null'.encode())
    assert await why(authenticator, issuer.raw_token(null)) is Reason.CLAIMS


@pytest.mark.parametrize("value", ["1", 1.5, True, -1, 10**30, [1], str(NOW), float(NOW)])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
async def test_a_time_that_is_no_whole_number_is_refused(
    issuer: Issuer, authenticator: Authenticator, name: str, value: Any
) -> None:
    assert await why(authenticator, issuer.token({name: value})) is Reason.CLAIMS


@pytest.mark.parametrize("value", ["", "caf\u00e9", "a\nb", 1, True, ["me"], {"a": 1}])
async def test_a_subject_that_is_no_printable_ascii_text_is_refused(issuer: Issuer, clock: Clock, value: Any) -> None:
    generic = made.trusting(issuer, clock=clock, kind=Kind.GENERIC)
    assert await why(generic, issuer.token({"sub": value})) is Reason.CLAIMS


async def test_a_token_id_that_is_no_text_is_refused(issuer: Issuer, authenticator: Authenticator) -> None:
    assert await why(authenticator, issuer.token({"jti": 1})) is Reason.CLAIMS


async def test_a_subject_that_disagrees_with_the_pods_claims_is_refused(
    issuer: Issuer, authenticator: Authenticator
) -> None:
    other = {"sub": "system:serviceaccount:kube-system:admin"}
    assert await why(authenticator, issuer.token(other)) is Reason.CLAIMS


async def test_a_generic_issuers_token_yields_what_the_configuration_names(issuer: Issuer, clock: Clock) -> None:
    generic = made.trusting(
        issuer, clock=clock, kind=Kind.GENERIC, extra_attributes=(("node", ("kubernetes.io", "node", "name")),)
    )
    principal = await generic.authenticate(issuer.token({"sub": "anybody"}))
    assert principal.attributes == {"issuer": "a", "subject": "anybody", "node": "node-1"}


def living(*, issued: int = 0, lives: int = HOUR, begins: int | None = None) -> dict[str, Any]:
    times = {"iat": NOW + issued, "exp": NOW + issued + lives, "nbf": None}
    return times if begins is None else {**times, "nbf": NOW + begins}


@pytest.mark.parametrize(
    "times",
    [
        living(),
        living(lives=DAY),
        living(lives=1),
        living(issued=30),
        living(issued=-HOUR, lives=HOUR - 29),
        living(issued=-HOUR, lives=HOUR),
        living(begins=30),
        living(begins=0),
        living(begins=-DAY),
    ],
)
async def test_a_token_within_its_time_and_the_leeway_is_taken(
    issuer: Issuer, authenticator: Authenticator, times: dict[str, Any]
) -> None:
    assert (await authenticator.authenticate(issuer.token(times))).issuer == "a"


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        (living(lives=DAY + 1), Reason.LIFETIME),
        (living(lives=0), Reason.LIFETIME),
        (living(lives=-1), Reason.LIFETIME),
        (living(issued=-2 * DAY, lives=3 * DAY), Reason.LIFETIME),
        (living(issued=31), Reason.NOT_YET_VALID),
        (living(begins=31), Reason.NOT_YET_VALID),
        (living(begins=DAY), Reason.NOT_YET_VALID),
    ],
)
async def test_a_token_outside_its_time_is_refused(
    issuer: Issuer, authenticator: Authenticator, times: dict[str, Any], reason: Reason
) -> None:
    assert await why(authenticator, issuer.token(times)) is reason


@pytest.mark.parametrize(("ago", "expired"), [(29, False), (30, True), (31, True), (DAY - 1, True)])
async def test_a_token_ends_when_the_leeway_does(
    issuer: Issuer,
    authenticator: Authenticator,
    ago: int,
    expired: bool,  # noqa: FBT001
) -> None:
    token = issuer.token({"iat": NOW - DAY, "exp": NOW - ago, "nbf": None})
    if not expired:
        assert (await authenticator.authenticate(token)).token_expires == START - timedelta(seconds=ago)
        return
    with pytest.raises(ExpiredToken) as caught:
        await authenticator.authenticate(token)
    assert caught.value.reason is Reason.EXPIRED
    assert caught.value.public == "the token has expired"


async def test_the_leeway_is_the_issuers(issuer: Issuer, clock: Clock) -> None:
    strict = made.trusting(issuer, clock=clock, leeway=timedelta(0))
    assert await why(strict, issuer.token(living(issued=1))) is Reason.NOT_YET_VALID
    with pytest.raises(ExpiredToken):
        await strict.authenticate(issuer.token(living(issued=-HOUR)))


async def test_only_a_token_whose_signature_held_is_called_expired(
    issuer: Issuer, authenticator: Authenticator
) -> None:
    old = {"iat": NOW - DAY, "exp": NOW - HOUR, "nbf": None}
    assert await why(authenticator, issuer.token(old, key=issuer.stranger())) is Reason.SIGNATURE
    assert await why(authenticator, tokens.tampered(issuer.token(old))) is Reason.SIGNATURE
    assert await why(authenticator, issuer.token({**old, "aud": "other"})) is Reason.AUDIENCE


async def test_keys_that_cannot_be_had_say_nothing_of_the_token(issuer: Issuer, authenticator: Authenticator) -> None:
    issuer.fault = "down"
    with pytest.raises(IssuerUnavailable):
        await authenticator.authenticate(issuer.token())


@pytest.mark.parametrize("key", [None, "a text", b"bytes", 1, object(), ec.generate_private_key(ec.SECP256R1())])
async def test_whatever_the_library_raises_is_an_invalid_token(issuer: Issuer, clock: Clock, key: object) -> None:
    assert await why(holding(issuer, Holding(key), clock), issuer.token()) is Reason.SIGNATURE


async def test_a_curve_key_never_verifies_an_rsa_token(issuer: Issuer, clock: Clock) -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert await why(holding(issuer, Holding(public), clock), issuer.token()) is Reason.SIGNATURE
    both = holding(issuer, Holding(public, "ES256"), clock, algorithms=("RS256", "ES256"))
    assert await why(both, issuer.token()) is Reason.ALGORITHM


async def verified(authenticator: Authenticator, token: str) -> Principal:
    principal = await authenticator.authenticate(token)
    assert authenticator.recall(digest(token)) is principal
    return principal


async def test_a_verified_token_is_remembered_for_a_minute(
    issuer: Issuer, authenticator: Authenticator, clock: Clock
) -> None:
    token = issuer.token()
    assert authenticator.recall(digest(token)) is None
    await verified(authenticator, token)
    clock.advance(59.9)
    assert authenticator.recall(digest(token)) is not None
    clock.advance(0.1)
    assert authenticator.recall(digest(token)) is None
    await verified(authenticator, token)


async def test_a_token_is_forgotten_when_it_ends(issuer: Issuer, authenticator: Authenticator, clock: Clock) -> None:
    token = issuer.token(living(lives=10))
    await verified(authenticator, token)
    clock.advance(9.9)
    assert authenticator.recall(digest(token)) is not None
    clock.advance(0.1)
    assert authenticator.recall(digest(token)) is None


async def test_a_token_that_lives_in_the_leeway_is_verified_each_time(
    issuer: Issuer, authenticator: Authenticator
) -> None:
    token = issuer.token(living(issued=-HOUR - 10))
    await authenticator.authenticate(token)
    assert authenticator.recall(digest(token)) is None


async def test_a_token_is_forgotten_when_its_issuers_keys_change(issuer: Issuer, clock: Clock) -> None:
    keys = Holding(issuer.key.private.public_key())
    authenticator = holding(issuer, keys, clock)
    token = issuer.token()
    await verified(authenticator, token)
    keys.generation += 1
    assert authenticator.recall(digest(token)) is None


async def test_a_withdrawn_key_is_believed_no_longer(issuer: Issuer, authenticator: Authenticator) -> None:
    token = issuer.token()
    await verified(authenticator, token)
    issuer.rotate(keep_old=False)
    await authenticator.authenticate(issuer.token())
    assert await why(authenticator, token) is Reason.UNKNOWN_KEY


async def test_a_clock_that_steps_back_stretches_no_memory(
    issuer: Issuer, authenticator: Authenticator, clock: Clock
) -> None:
    token = issuer.token()
    await verified(authenticator, token)
    clock.step_wall(-600)
    assert authenticator.recall(digest(token)) is None


async def test_no_more_tokens_are_remembered_than_the_capacity(issuer: Issuer, clock: Clock) -> None:
    small = made.trusting(issuer, clock=clock, capacity=2)
    several = [issuer.token({"jti": str(number)}) for number in range(3)]
    for token in several:
        await verified(small, token)
    assert [small.recall(digest(token)) is not None for token in several] == [False, True, True]


async def test_an_explanation_may_suppose_a_principal_that_has_no_token(issuer: Issuer, clock: Clock) -> None:
    authenticator = made.trusting(issuer, clock=clock)
    given = {"namespace": "analytics", "subject": "me", "issuer": "forged"}
    supposed = authenticator.suppose("a", given)
    assert supposed is not None
    assert supposed.attributes == {"namespace": "analytics", "subject": "me", "issuer": "a"}
    assert (supposed.issuer, supposed.issuer_url, supposed.subject) == ("a", issuer.issuer, "me")
    assert (supposed.token_sha256, supposed.token_expires) == ("", START + timedelta(hours=24))
    assert authenticator.suppose("b", given) is None
    assert not issuer.requests


async def test_its_issuers_are_told_by_name_or_all_of_them(issuer: Issuer, clock: Clock) -> None:
    async with Issuer() as another:
        both = made.trusting(issuer, another, clock=clock)
        told = {name: [one.url for one in both.issuers(name)] for name in (None, "b", "c")}
        assert told == {None: [issuer.issuer, another.issuer], "b": [another.issuer], "c": []}
