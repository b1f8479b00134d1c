"""Where the service's own identity comes from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from aiobotocore.session import AioSession
from botocore.exceptions import NoCredentialsError, ProfileNotFound

from tests.fakes import faults, tokens
from tests.made import session
from vendor.files import Followed
from vendor.mint.identity import Identity
from vendor.mint.sources import AGAIN, AccessKey, Ambient, TokenFile
from vendor.refusals import Refusal, RoleRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.clock import Clock
    from tests.fakes.sts import STS
    from tests.mint.conftest import Rig
    from vendor.policy.session import RoleSession

TOKEN = f"e30.{tokens.encode(tokens.write({'iss': 'https://oidc.example.com', 'sub': 'vendor', 'aud': 'sts'}))}.sig"
ROLE = "arn:aws:iam::111122223333:role/hub/vendor"


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "credentials"


def _put(file: Path, text: str) -> None:
    file.write_text(text)


def _lose(file: Path) -> None:
    file.unlink()


def _profile(name: str, key: str) -> str:
    return f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = secret\n"


async def test_a_profile_is_read_again_once_it_is_forgotten(profiles: Path) -> None:
    source = Ambient(make=lambda: AioSession(profile="hub"))
    _put(profiles, _profile("hub", "AKIAONE") + _profile("default", "AKIAOTHER"))
    assert (await source.keys()).access_key == "AKIAONE"
    _put(profiles, _profile("hub", "AKIATWO"))
    assert (await source.keys()).access_key == "AKIAONE"
    source.forget()
    assert (await source.keys()).access_key == "AKIATWO"


async def test_the_environment_comes_first_unless_a_profile_is_named(
    profiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(profiles, _profile("hub", "AKIAPROFILE"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert (await Ambient(make=AioSession).keys()).access_key == "AKIAENVIRONMENT"
    assert (await Ambient(make=lambda: AioSession(profile="hub")).keys()).access_key == "AKIAPROFILE"


@pytest.mark.usefixtures("profiles")
async def test_where_there_is_none_that_is_said() -> None:
    with pytest.raises(NoCredentialsError):
        await Ambient(make=AioSession).keys()
    with pytest.raises(ProfileNotFound):
        await Ambient(make=lambda: AioSession(profile="hub")).keys()


async def test_a_secret_in_a_file_is_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    source = AccessKey(access_key_id="AKIAFILE", read=Followed(secret).read)
    with pytest.raises(FileNotFoundError):
        await source.keys()
    _put(secret, " \n")
    with pytest.raises(ValueError, match="empty"):
        await source.keys()
    _put(secret, "one\n")
    keys = await source.keys()
    assert (keys.access_key, keys.secret_key, keys.token) == ("AKIAFILE", "one", None)
    other = tmp_path / "other"
    _put(other, "two")
    other.rename(secret)
    source.forget()
    assert (await source.keys()).secret_key == "two"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return file


@pytest.fixture
def source(rig: Rig, token: Path, clock: Clock) -> TokenFile:
    return TokenFile(role=ROLE, read=Followed(token).read, asking=lambda: rig.asking, clock=clock)


async def test_a_token_in_a_file_becomes_a_session_that_is_used_until_shortly_before_its_end(
    source: TokenFile, fake: STS, clock: Clock
) -> None:
    first = await source.keys()
    sent = fake.requests[0]
    assert (sent.action, sent.role_arn, sent.access_key_id) == ("AssumeRoleWithWebIdentity", ROLE, None)
    assert sent.parameters["WebIdentityToken"] == TOKEN
    clock.advance(2699)
    assert await source.keys() == first
    clock.advance(1)
    assert await source.keys() != first
    assert len(fake.requests) == 2
    source.forget()
    await source.keys()
    assert len(fake.requests) == 3


async def test_a_session_that_cannot_be_renewed_is_used_to_its_end(
    source: TokenFile, token: Path, clock: Clock
) -> None:
    first = await source.keys()
    _lose(token)
    clock.advance(3000)
    assert await source.keys() == first
    _put(token, TOKEN)
    clock.advance(AGAIN - 1)
    assert await source.keys() == first
    clock.advance(1)
    assert await source.keys() != first
    _lose(token)
    clock.advance(3600)
    with pytest.raises(FileNotFoundError):
        await source.keys()


async def test_a_token_that_sts_refuses_is_no_identity(source: TokenFile, fake: STS) -> None:
    fake.fault(faults.error("AccessDenied"))
    with pytest.raises(Refusal):
        await source.keys()


async def test_of_many_who_need_a_session_one_asks_for_it(source: TokenFile, fake: STS) -> None:
    found = await asyncio.gather(*(source.keys() for _ in range(10)))
    assert len(set(found)) == len(fake.requests) == 1


async def test_of_many_who_need_an_identity_one_looks_for_it(profiles: Path) -> None:
    _put(profiles, _profile("default", "AKIAONE"))
    made: list[AioSession] = []

    def make() -> AioSession:
        made.append(AioSession())
        return made[-1]

    source = Ambient(make=make)
    await asyncio.gather(*(source.keys() for _ in range(10)))
    assert len(made) == 1


async def test_what_is_renewed_is_read_again_and_used_on_if_there_is_nothing_new(
    profiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Ambient(make=AioSession)
    source.renew()
    with pytest.raises(NoCredentialsError):
        await source.keys()
    _put(profiles, _profile("default", "AKIAONE"))
    assert (await source.keys()).access_key == "AKIAONE"
    source.renew()
    _lose(profiles)
    assert (await source.keys()).access_key == "AKIAONE"
    monkeypatch.setenv("AWS_PROFILE", "gone")
    source.renew()
    source.renew()
    assert (await source.keys()).access_key == "AKIAONE"
    monkeypatch.delenv("AWS_PROFILE")
    _put(profiles, _profile("default", "AKIATWO"))
    source.renew()
    assert (await source.keys()).access_key == "AKIATWO"
    _lose(profiles)
    source.forget()
    with pytest.raises(NoCredentialsError):
        await source.keys()


class Hanging:
    """Is asked for its credentials and never answers."""

    async def get_credentials(self) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_look_for_something_newer_that_hangs_keeps_nobody_from_what_there_is(
    profiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(profiles, _profile("default", "AKIAONE"))
    made: Iterator[Any] = iter([AioSession(), Hanging(), AioSession()])
    source = Ambient(make=made.__next__)
    await source.keys()
    source.renew()
    monkeypatch.setattr("vendor.mint.sources.NEWER", 0.2)
    looking = asyncio.create_task(source.keys())
    await asyncio.sleep(0.05)
    async with asyncio.timeout(1):
        assert (await source.keys()).access_key == "AKIAONE"
    async with asyncio.timeout(5):
        assert (await looking).access_key == "AKIAONE"
    _put(profiles, _profile("default", "AKIATWO"))
    source.renew()
    assert (await source.keys()).access_key == "AKIATWO"


async def test_a_session_that_is_to_be_renewed_is_used_on_if_there_is_no_other(
    source: TokenFile, fake: STS, clock: Clock
) -> None:
    first = await source.keys()
    fake.fault(faults.error("ServiceUnavailable"))
    clock.advance(100)
    source.renew()
    assert await source.keys() == first
    fake.heal()
    clock.advance(AGAIN)
    assert await source.keys() != first


async def test_while_one_asks_for_a_newer_session_the_others_use_the_one_that_there_is(
    source: TokenFile, fake: STS, clock: Clock
) -> None:
    first = await source.keys()
    fake.fault(faults.latency(1.5))
    source.renew()
    asking = asyncio.create_task(source.keys())
    await asyncio.sleep(0.1)
    assert await source.keys() == first
    assert not asking.done()
    assert await asking == await source.keys() != first
    assert len(fake.requests) == 2
    source.renew()
    asking = asyncio.create_task(source.keys())
    await asyncio.sleep(0.1)
    clock.advance(3600)  # what has ended is used no more
    assert await source.keys() not in (first, await asking)


async def test_a_key_that_lasts_is_what_it_was(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    _put(secret, "one")
    source = AccessKey(access_key_id="AKIAFILE", read=Followed(secret).read)
    source.renew()
    assert (await source.keys()).secret_key == "one"


async def test_when_the_services_own_session_is_revoked_it_has_another_at_the_next_mint(
    rig: Rig, source: TokenFile, fake: STS, clock: Clock
) -> None:
    rig.identity = Identity(target="aws", source=source, clock=clock)
    rig.asking = rig.asks("sts")
    sts = rig.mints()
    await sts.mint(session())
    fake.revoked[fake.requests[-1].session_token] = faults.error("AccessDenied")
    clock.advance(100)
    with pytest.raises(RoleRefused):
        await sts.mint(session())
    assert (await sts.mint(session())).role_arn == session().role_arn
    with pytest.raises(RoleRefused):
        await sts.mint(_denied(fake))
    with pytest.raises(RoleRefused):
        await sts.mint(_denied(fake))
    assert [request.action for request in fake.requests].count("AssumeRoleWithWebIdentity") == 2
    await rig.asking.close()


def _denied(fake: STS) -> RoleSession:
    other = "arn:aws:iam::111122223333:role/other"
    fake.fault(faults.error("AccessDenied"), role=other)
    return session(role_arn=other)
