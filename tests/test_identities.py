"""Where the identity of each target comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ProfileNotFound

from tests.fakes.clock import Clock
from vendor.config.values import AccessKey, Profile, Target, TokenFile
from vendor.identities import identity_of
from vendor.mint.identity import AGAIN, LOOKED, Identity
from vendor.refusals import StsUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from vendor.mint.asking import Asking


def _identity(
    clock: Clock, said: Profile | TokenFile | AccessKey | None, told: list[Identity] | None = None
) -> Identity:
    noted: list[Identity] = [] if told is None else told
    target = Target(name="aws", endpoint_url=None, regions=("eu-west-1",), requests_per_second=None, identity=said)
    return identity_of(target, asking=_nobody, clock=clock, told=noted.append)


def _nobody() -> Asking:
    raise AssertionError("nothing is asked without a token")


def _put(file: Path, text: str) -> None:
    file.write_text(text)


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "credentials"


def _profile(name: str, key: str) -> str:
    return f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = secret\n"


async def test_a_key_that_is_rotated_in_aws_own_file_is_taken_up(credentials: Path) -> None:
    clock = Clock()
    _put(credentials, _profile("default", "AKIAONE") + _profile("hub", "AKIAHUB"))
    ambient, hub = _identity(clock, None), _identity(clock, Profile(name="hub"))
    assert (await ambient.keys()).access_key == "AKIAONE"
    assert (await hub.keys()).access_key == "AKIAHUB"
    _put(credentials, _profile("default", "AKIATWO") + _profile("hub", "AKIAHUBTWO"))
    clock.advance(LOOKED)
    assert (await ambient.keys()).access_key == "AKIATWO"
    assert (await hub.keys()).access_key == "AKIAHUBTWO"


async def test_a_profile_that_comes_later_is_found(credentials: Path) -> None:
    clock = Clock()
    told: list[Identity] = []
    hub = _identity(clock, Profile(name="hub"), told)
    with pytest.raises(StsUnavailable) as refused:
        await hub.keys()
    assert ProfileNotFound.__name__ in refused.value.detail
    _put(credentials, _profile("hub", "AKIAHUB"))
    clock.advance(AGAIN)
    assert (await hub.keys()).access_key == "AKIAHUB"
    assert told == [hub, hub]


async def test_a_secret_and_a_token_are_read_from_their_files(tmp_path: Path) -> None:
    secret, token = tmp_path / "secret", tmp_path / "token"
    _put(secret, "hush\n")
    key = await _identity(Clock(), AccessKey(id="AKIAHUB", secret_file=str(secret))).keys()
    assert (key.access_key, key.secret_key) == ("AKIAHUB", "hush")
    role = "arn:aws:iam::111122223333:role/vendor"
    with pytest.raises(StsUnavailable) as refused:
        await _identity(Clock(), TokenFile(role=role, file=str(token))).keys()
    assert str(token) in refused.value.detail
