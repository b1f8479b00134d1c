"""A second library's opinion of every token: the same as ours, or the difference is told and explained (T1, T7)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError

from tests.fakes import tokens
from tests.fakes.clock import START, Clock
from tests.identity import differences, made
from tests.identity.corpus import CASES
from tests.identity.corpus.signatures import ALGORITHMS
from tests.identity.corpus.sound import MIRRORED, SOUND
from tests.identity.test_wycheproof import DIFFERENCES, takes
from tests.identity.wycheproof import VECTORS
from vendor.identity.issuer import ASYMMETRIC
from vendor.refusals import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.issuer import Issuer
    from tests.identity.corpus.world import Case, World

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.thorough,
    pytest.mark.untraced,
    # It warns of EdDSA (RFC 9864) and of weak keys, which it takes all the same.
    pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning"),
]

DECISION = Path(__file__).parents[2] / "docs" / "decisions" / "0006-a-second-opinion-on-tokens.md"
# It lets a TypeError through for a header of another shape, and a RecursionError for a deep payload: both are a no.
NO = (JoseError, ValueError, TypeError, RecursionError)


def theirs(text: str, issuer: Issuer, *algorithms: str) -> bool:
    """Tell whether joserfc takes a token of an issuer, with every check that it offers."""
    demanded: dict[str, Any] = {name: {"essential": True} for name in ("exp", "iat", "sub")}
    demanded["iss"] = {"essential": True, "value": issuer.issuer}
    demanded["aud"] = {"essential": True, "value": "vendor"}
    registry = jwt.JWTClaimsRegistry(now=int(START.timestamp()), leeway=30, **demanded)
    try:
        keys = jwk.KeySet.import_key_set(json.loads(issuer._key_set()))
        registry.validate(jwt.decode(text, keys, algorithms=list(algorithms)).claims)
    except NO:
        return False
    return True


def named(table: dict[str, set[str]]) -> set[str]:
    """Return the names in a table, none of which may stand in two rows."""
    names = [name for row in table.values() for name in row]
    assert len(names) == len(set(names))
    return set(names)


TAKEN = named(differences.TAKEN_BY_JOSERFC)
REFUSED = named(differences.REFUSED_BY_JOSERFC)
VECTORS_TAKEN = named(differences.WYCHEPROOF)


@pytest.mark.parametrize("name", CASES)
async def test_what_we_refuse_is_refused_there_or_the_difference_is_explained(
    name: str, world_of: Callable[[Case], World]
) -> None:
    case = CASES[name]
    world = world_of(case)
    text = case.make(world)
    algorithms = case.changes.get("algorithms", (case.algorithm,))
    assert theirs(text, world.issuer, *algorithms) is (name in TAKEN)


@pytest.mark.parametrize("name", SOUND)
async def test_what_we_take_is_taken_there_or_the_difference_is_explained(name: str, worlds: dict[str, World]) -> None:
    world = worlds["RS256"]
    world.issuer.jwks_body = None
    assert theirs(SOUND[name](world), world.issuer, "RS256") is (name not in REFUSED)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_two_libraries_are_of_one_opinion_on_every_algorithm(algorithm: str, worlds: dict[str, World]) -> None:
    world = worlds[algorithm]
    world.issuer.jwks_body = None
    ours = made.trusting(world.issuer, clock=Clock(), algorithms=(algorithm,))
    good = world.token()
    assert (await ours.authenticate(good)).issuer == "a"
    assert theirs(good, world.issuer, algorithm)
    with pytest.raises(InvalidToken):
        await ours.authenticate(tokens.tampered(good))
    assert not theirs(tokens.tampered(good), world.issuer, algorithm)


async def test_a_mirrored_signature_is_taken_there_too(worlds: dict[str, World]) -> None:
    world = worlds["ES256"]
    world.issuer.jwks_body = None
    assert theirs(MIRRORED(world), world.issuer, "ES256")


@pytest.mark.parametrize("name", VECTORS)
async def test_wycheproofs_vectors_are_judged_alike_or_the_difference_is_explained(name: str) -> None:
    vector = VECTORS[name]
    try:
        keys = jwk.KeySet.import_key_set(json.loads(vector.key_set()))
        jws.deserialize_compact(vector.text, keys, algorithms=list(ASYMMETRIC))
        taken = True
    except NO:
        taken = False
    assert (taken is takes(vector)) is (name not in VECTORS_TAKEN)
    assert taken or name not in VECTORS_TAKEN


async def test_the_tables_speak_of_tokens_that_exist() -> None:
    assert CASES.keys() >= TAKEN
    assert SOUND.keys() >= REFUSED
    assert VECTORS.keys() >= VECTORS_TAKEN


def rows(heading: str) -> dict[str, int]:
    """Return the first column of a table of the decision record, with the number in the second."""
    _, _, below = DECISION.read_text("utf-8").partition(f"### {heading}\n")
    table = below.partition("\n#")[0]
    return {what: int(count) for what, count in re.findall(r"^\| (.+?) \| (\d+) \| .+ \|$", table, re.MULTILINE)}


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("Taken by joserfc, refused here", differences.TAKEN_BY_JOSERFC),
        ("Refused by joserfc, taken here", differences.REFUSED_BY_JOSERFC),
        ("Wycheproof's vectors that joserfc takes", differences.WYCHEPROOF),
    ],
)
async def test_the_decision_record_tells_every_difference(heading: str, table: dict[str, set[str]]) -> None:
    assert rows(heading) == {what: len(names) for what, names in table.items()}


async def test_the_decision_record_tells_where_we_differ_from_wycheproof() -> None:
    reasons = list(DIFFERENCES.values())
    assert rows("Wycheproof's vectors of another verdict") == {each: reasons.count(each) for each in reasons}
