"""The service's own identities as a configuration names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.config.sound import changed, loaded
from vendor.config.values import AccessKey, Profile, TokenFile

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::111122223333:role/vendor"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("ambient", None),
        ("{profile: hub}", Profile(name="hub")),
        ("{web_identity: {role: %s, token_file: /run/t}}", TokenFile(role=ROLE, file="/run/t")),
        ("{access_key: {id: AKIAHUB, secret_file: /run/s}}", AccessKey(id="AKIAHUB", secret_file="/run/s")),
        ('{access_key: {id: "${env:HUB}", secret_file: /run/s}}', AccessKey(id="AKIAENV", secret_file="/run/s")),
    ],
)
def test_an_identity_is_what_it_says(tmp_path: Path, said: str, meant: object) -> None:
    text = changed("aws: {", f"aws: {{identity: {said.replace('%s', ROLE)}, ")
    assert loaded(tmp_path, text, {"HUB": "AKIAENV"}).targets["aws"].identity == meant


def test_its_files_are_beside_the_configuration(tmp_path: Path) -> None:
    text = changed("aws: {", f"aws: {{identity: {{web_identity: {{role: {ROLE}, token_file: token}}}}, ")
    assert loaded(tmp_path, text).targets["aws"].identity == TokenFile(role=ROLE, file=str(tmp_path / "token"))
    text = changed("aws: {", "aws: {identity: {access_key: {id: AKIAHUB, secret_file: secret}}, ")
    found = loaded(tmp_path, text).targets["aws"].identity
    assert found == AccessKey(id="AKIAHUB", secret_file=str(tmp_path / "secret"))


def test_of_another_cloud_a_role_may_be_in_any_partition(tmp_path: Path) -> None:
    role = ROLE.replace("aws", "aws-cn")
    text = changed("own: {", f"own: {{identity: {{web_identity: {{role: {role}, token_file: token}}}}, ")
    found = loaded(tmp_path, text).targets["own"].identity
    assert isinstance(found, TokenFile)
    assert found.role == role
