"""Issuers: each is reached by what its configuration vouches for, and an API server by one client."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tests import made as someone
from tests.fakes.api_server import JWKS, REVIEWS, ApiServer
from tests.fakes.clock import Clock
from tests.fakes.issuer import Issuer
from tests.identity import made
from vendor.identity.issuer import ApiServerKeys, KeysAt
from vendor.issuers import Issuers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vendor.identity.issuer import Issuer as Configured
    from vendor.identity.review import Result


class Notes:
    """What happened between us and the issuers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def keys(self, issuer: str, result: str, _detail: str) -> None:
        self.told.append((issuer, result))

    def dropped(self, issuer: str, counts: Mapping[str, int]) -> None: ...

    def reviewed(self, issuer: str, result: Result) -> None:
        self.told.append((issuer, result.value))


async def loaded(*issuers: Configured) -> list[tuple[str, str]]:
    """Return what came of loading the keys of some issuers."""
    notes = Notes()
    made_issuers = Issuers(issuers, clock=Clock(), observer=notes)
    assert not made_issuers.serve
    await made_issuers.load()
    assert made_issuers.serve is bool({("a", "ok"), ("a", "restored")} & set(notes.told))
    await made_issuers.close()
    return notes.told


async def test_an_issuer_is_reached_by_its_own_ca_file_and_that_vouches_for_no_other(tmp_path: Path) -> None:
    ca = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(serving)
    ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    async with Issuer(tls=serving) as fake:
        trusting = made.issuer(name="a", url=fake.issuer, ca_file=str(tmp_path / "ca.crt"))
        other = replace(trusting, name="b", url=f"{fake.issuer}/", ca_file=None)
        assert sorted(await loaded(trusting, other)) == [("a", "ok"), ("b", "failed")]


async def test_of_many_issuers_one_more_is_asked_in_each_turn_of_the_loop() -> None:
    turns = [0]

    class Noted(Notes):
        def keys(self, issuer: str, result: str, _detail: str) -> None:
            self.told.append((f"turn {turns[-1]}", result))

    async def count() -> None:
        while True:
            turns.append(turns[-1] + 1)
            await asyncio.sleep(0)

    notes = Noted()
    many = [made.issuer(name=f"i-{number}", url=f"https://127.0.0.1:1/{number}") for number in range(20)]
    issuers = Issuers(many, clock=Clock(), observer=notes)
    counting = asyncio.create_task(count())
    await issuers.load()
    counting.cancel()
    await issuers.close()
    assert [result for _, result in notes.told] == ["failed"] * 20
    assert len(set(notes.told)) == 20


@pytest.mark.parametrize("held", [None, b"", b"no certificate"])
def test_a_ca_file_of_no_use_is_told_at_the_start(tmp_path: Path, held: bytes | None) -> None:
    if held is not None:
        (tmp_path / "ca.crt").write_bytes(held)
    with pytest.raises(OSError):  # noqa: PT011 - ssl.SSLError is one
        Issuers([made.issuer(ca_file=str(tmp_path / "ca.crt"))], clock=Clock(), observer=Notes())


async def test_keys_are_kept_where_the_configuration_says(tmp_path: Path) -> None:
    async with Issuer() as fake:
        kept = made.issuer(name="a", url=fake.issuer, keys_cache=str(tmp_path / "kept"))
        assert await loaded(kept) == [("a", "ok")]
        assert fake.key.kid.encode() in (tmp_path / "kept").read_bytes()
        fake.fault = "down"
        assert (await loaded(kept))[0] == ("a", "restored")


async def test_all_that_is_asked_of_one_api_server_goes_over_one_connection(tmp_path: Path) -> None:
    async with Issuer() as fake, ApiServer(fake) as server:
        at = server.files(tmp_path)
        asking = made.issuer(name="a", url="https://a.example", keys=ApiServerKeys(), api_server=at)
        reviewing = made.issuer(name="b", url=fake.issuer, token_review=True, api_server=at)
        notes = Notes()
        issuers = Issuers([asking, reviewing], clock=Clock(), observer=notes)
        await issuers.load()
        review = issuers.trusted[fake.issuer].review
        assert issuers.trusted["https://a.example"].review is None
        assert review
        await review.review(fake.token(), someone.principal(attributes={}))
        await issuers.close()
    assert sorted(notes.told) == [("a", "ok"), ("b", "ok"), ("b", "taken")]
    assert [asked.path for asked in server.asked] == [JWKS, REVIEWS]
    assert len({asked.port for asked in server.asked}) == 1


def test_an_issuer_that_is_to_review_tokens_and_cannot_is_no_issuer() -> None:
    with pytest.raises(ValueError, match="no API server"):
        Issuers([made.issuer(token_review=True)], clock=Clock(), observer=Notes())


async def test_what_has_not_changed_is_taken_over_and_what_has_is_made_anew(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    async with Issuer() as fake, ApiServer(fake) as server:
        at = server.files(tmp_path)
        same = made.issuer(name="a", url=fake.issuer)
        vouched = made.issuer(name="b", url=f"{fake.issuer}/b", ca_file=str(tmp_path / "ca.crt"))
        asking = made.issuer(name="c", url="https://c.example", keys=ApiServerKeys(), api_server=at, token_review=True)
        gone = made.issuer(name="d", url=f"{fake.issuer}/d")
        notes = Notes()
        first = Issuers([same, vouched, asking, gone], clock=Clock(), observer=notes)
        await first.load()
        fetched = fake.requests.total()
        trustme.CA().cert_pem.write_to_path(tmp_path / "ca.crt")
        stricter = replace(asking, audience="other")
        second = Issuers([same, vouched, stricter], clock=Clock(), observer=notes, before=first)
        old, new = first.parts, second.parts
        assert second.trusted[same.url] is first.trusted[same.url]
        assert new["b"].keys is not old["b"].keys
        assert (new["c"].keys is old["c"].keys, new["c"].trusted.issuer.audience) == (True, "other")
        assert new["c"].review is not old["c"].review
        assert list(second.servers.values()) == list(first.servers.values())
        await first.close(after=second)
        assert second.serve
        await second.load_fresh()
        assert fake.requests.total() <= fetched + 1  # of b alone
        await second.close()


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"leeway": timedelta(seconds=1), "one_time": True, "require_token_scope": True, "strict_aud": True}, True),
        ({"max_token_lifetime": timedelta(hours=1), "extra_attributes": (("team", ("team",)),)}, True),
        ({"algorithms": ("ES256",)}, False),
        ({"keys": KeysAt("https://other.example/jwks")}, False),
        ({"allow_private_addresses": False}, False),
        ({"keys_cache": "kept"}, False),
        ({"max_keys_age": timedelta(hours=1)}, False),
    ],
)
async def test_keys_are_fetched_again_only_for_what_they_depend_on(changed: dict[str, Any], kept: bool) -> None:  # noqa: FBT001 - a row's verdict
    one = made.issuer(name="a", url="https://a.example")
    first = Issuers([one], clock=Clock(), observer=Notes())
    second = Issuers([replace(one, **changed)], clock=Clock(), observer=Notes(), before=first)
    assert (first.parts["a"].keys is second.parts["a"].keys) is kept
    assert second.trusted["https://a.example"] is not first.trusted["https://a.example"]
    await second.close()
    await first.close()
