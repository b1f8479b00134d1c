"""Files beside the main one: included scopes, policies, keys and references."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.config.sound import SOUND, changed, found, loaded, told, uncoded
from vendor.config import ConfigurationError, load
from vendor.identity.issuer import GivenKeys, KeysAt

if TYPE_CHECKING:
    from pathlib import Path

MAIN, _, SCOPES = SOUND.partition("scopes:\n")
SCOPES = "scopes:\n" + SCOPES
INCLUDING = MAIN + "include: [scopes/*.yaml]\n"
INLINE = SOUND[SOUND.index("      policy:") :]
FILED = SOUND.replace(INLINE, "      policy_file: policies/read.json\n").replace(
    '    parameters:\n      month: {pattern: "[0-9]{4}-[0-9]{2}", default: 2026-01}\n', ""
)
POLICY = """\
{
\t"Version": "2012-10-17",
\t"Statement": [
\t\t{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/{{ namespace }}/*"}
\t]
}
"""


def _write(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_scopes_of_included_files_are_served_and_every_file_that_was_read_is_known(tmp_path: Path) -> None:
    one = _write(tmp_path, "scopes/b.yaml", SCOPES)
    two = _write(tmp_path, "scopes/a.yaml", SCOPES.replace("  reports:", "  results:"))
    configuration = loaded(tmp_path, INCLUDING)
    assert list(configuration.scopes) == ["results", "reports"]
    assert configuration.files == (tmp_path / "vendor.yaml", two, one)


def test_a_file_that_two_patterns_name_is_read_once(tmp_path: Path) -> None:
    one = _write(tmp_path, "scopes/a.yaml", SCOPES)
    configuration = loaded(tmp_path, MAIN + 'include: ["*.yaml", scopes/a.yaml, "scopes/*"]\n')
    assert configuration.files == (tmp_path / "vendor.yaml", one)


def test_a_scope_that_two_files_hold_is_refused_and_both_places_are_named(tmp_path: Path) -> None:
    first = _write(tmp_path, "scopes/a.yaml", SCOPES)
    second = _write(tmp_path, "scopes/b.yaml", "# the same\n" + SCOPES)
    assert list(map(uncoded, found(tmp_path, INCLUDING))) == [
        f"{second}:3:3: scopes.reports: this scope is in {first}:2:3 already"
    ]


def test_a_scope_of_the_main_file_may_not_stand_in_an_included_one_too(tmp_path: Path) -> None:
    second = _write(tmp_path, "scopes/b.yaml", SCOPES)
    assert [(one.file, one.line) for one in found(tmp_path, INCLUDING + SCOPES)] == [(str(second), 2)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scopes: {}\n", "1:9: scopes: may not be empty"),
        ("version: 1\n" + SCOPES, "1:1: version: unknown key"),
        ("~\n", "1:1: expected a mapping with scopes"),
        ("", "1:1: the file is empty"),
        ("[]\n", "1:1: expected a mapping, found a list"),
        (SCOPES.replace("target: aws", "target: awz"), "9:13: scopes.reports.target: there is no target awz"),
    ],
)
def test_what_is_wrong_in_an_included_file_is_told_there(tmp_path: Path, text: str, expected: str) -> None:
    file = _write(tmp_path, "scopes/a.yaml", text)
    assert list(map(uncoded, found(tmp_path, INCLUDING))) == [f"{file}:{expected}"]


def test_a_literal_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert told(tmp_path, SOUND + "include: [scopes/a.yaml]\n") == ["38:11: include[0]: no file is there"]


@pytest.mark.parametrize("pattern", ["/etc/*.yaml", "**x", "scopes/**", ".", "../*.yaml", "scopes//a.yaml"])
def test_a_pattern_that_leads_elsewhere_or_is_none_is_refused(tmp_path: Path, pattern: str) -> None:
    told_ = told(tmp_path, SOUND + f'include: ["{pattern}"]\n')
    assert told_ == ["38:11: include[0]: expected a path beside this file, or a pattern with * in its names"]


def test_an_editors_leftover_is_not_included(tmp_path: Path) -> None:
    _write(tmp_path, "scopes/.a.yaml", "not: scopes")
    assert told(tmp_path, SOUND + 'include: ["scopes/*.yaml"]\n') == ["38:11: warning: include[0]: no file is there"]


def test_a_configuration_without_scopes_is_refused(tmp_path: Path) -> None:
    assert told(tmp_path, MAIN) == ["1:1: scopes is missing: there is nothing that anybody may have"]


def test_a_file_that_is_not_there_or_too_large_is_told_without_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml", environ={})
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path, environ={})
    (line,) = told(tmp_path, b"# " + b"a" * 1024 * 1024)
    assert line.endswith("is larger than 1024 KiB")


def test_a_policy_out_of_a_file_is_the_session_policy(tmp_path: Path) -> None:
    file = _write(tmp_path, "policies/read.json", POLICY)
    configuration = loaded(tmp_path, FILED)
    policy = configuration.scopes["reports"].session.policy
    assert policy is not None
    assert policy.fill({"namespace": "a"}) == (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject",'
        '"Resource":"arn:aws:s3:::a/a/*"}]}'
    )
    assert file in configuration.files


def test_the_path_of_a_policy_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    _write(tmp_path, "scopes/policies/read.json", POLICY)
    _write(tmp_path, "scopes/a.yaml", FILED[FILED.index("scopes:") :])
    assert loaded(tmp_path, INCLUDING).scopes["reports"].session.policy is not None


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (POLICY.replace('"Action"', "Action"), "4:23", "this is not JSON"),
        (POLICY.replace('"Allow"', "Allow"), "4:14", "this is not JSON: Expecting value"),
        (POLICY.replace('"Allow"', "NaN"), "4:14", "Statement[0].Effect: expected Effect Allow or Deny"),
        (b"\xff", "1:1", "this is not JSON in UTF-8"),
        ("[" * 100_000, "1:1", "this is not JSON"),
        (POLICY.replace("{\n", '{\n"Version": "",\n', 1), "3:2", "Version: Version stands twice here"),
        ("[]", "1:1", "expected a policy document"),
        (POLICY.replace("Allow", "allow"), "4:14", "Statement[0].Effect: expected Effect Allow or Deny"),
        (POLICY.replace('"s3:GetObject"', "null"), "4:33", "Statement[0].Action: expected a string"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_policy_file_is_told_at_its_place_there(
    tmp_path: Path, text: str | bytes, place: str, message: str
) -> None:
    file = _write(tmp_path, "policies/read.json", text)
    first = next(one for one in found(tmp_path, FILED) if one.file == str(file))
    assert str(first).startswith(f"{file}:{place}: {message}")


def test_what_a_policy_file_lacks_for_a_scope_is_told_at_the_scope(tmp_path: Path) -> None:
    _write(tmp_path, "policies/read.json", POLICY.replace("namespace", "team"))
    assert told(tmp_path, FILED) == [
        "30:20: scopes.reports.session.policy_file: {{ team }} is no parameter, and no attribute of issuer cluster"
    ]


def test_a_policy_file_that_is_not_there_is_told_where_it_is_named(tmp_path: Path) -> None:
    (line,) = told(tmp_path, FILED)
    assert line.startswith(f"30:20: scopes.reports.session.policy_file: the file {tmp_path}/policies/read.json cannot")


def test_keys_come_out_of_a_file_or_from_a_url(tmp_path: Path) -> None:
    _write(tmp_path, "keys.json", '{"keys": [{"kty": "RSA"}]}')
    text = SOUND.replace("    kind: kubernetes\n", "    kind: kubernetes\n    keys: {file: keys.json}\n").replace(
        "    kind: generic\n", '    kind: generic\n    keys: {url: "https://a.example/keys?v=1"}\n'
    )
    configuration = loaded(tmp_path, text)
    assert configuration.issuers["cluster"].keys == GivenKeys(b'{"keys": [{"kty": "RSA"}]}')
    assert configuration.issuers["batch"].keys == KeysAt("https://a.example/keys?v=1")
    assert tmp_path / "keys.json" in configuration.files


def test_with_keys_in_a_file_the_issuer_may_be_any_printable_ascii(tmp_path: Path) -> None:
    _write(tmp_path, "keys.json", '{"keys": [{"kty": "RSA"}]}')
    text = changed("    kind: kubernetes\n", "    kind: kubernetes\n    keys: {file: keys.json}\n")
    assert told(tmp_path, text.replace("https://oidc.example.com/id/AAA", "kubernetes/serviceaccount")) == []
    assert told(tmp_path, text.replace("https://oidc.example.com/id/AAA", "küche")) == [
        "8:13: issuers.cluster.issuer: expected printable ASCII"
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "is no JWKS: it lists no keys"),
        ('{"keys": []}', "is no JWKS: it lists no keys"),
        ('{"keys": {}}', "is no JWKS: it lists no keys"),
        ("[]", "is not an object"),
        ('{"keys": [], "keys": []}', "is a member stands twice"),
        ('{"keys": [' + " " * 256 * 1024, "is larger than 256 KiB"),
    ],
)
def test_a_file_that_is_no_jwks_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = _write(tmp_path, "keys.json", text)
    told_ = told(tmp_path, changed("    kind: kubernetes\n", "    kind: kubernetes\n    keys: {file: keys.json}\n"))
    assert told_ == [f"11:18: issuers.cluster.keys.file: the file {file} {why}"]


def test_references_are_replaced_where_secrets_and_endpoints_stand(tmp_path: Path) -> None:
    secret = _write(tmp_path, "secret", "acme-7\n")
    text = SOUND.replace("https://oidc.example.com/id/AAA", "https://${env:HOST}/id/${env:ID}")
    text = text.replace("role/reports\n", "role/reports\n        external_id: ${file:secret}\n")
    text = text.replace("http://127.0.0.1:9000", "${env:STS}").replace("127.0.0.1:8080", "${env:LISTEN}")
    environ = {"HOST": "a.example", "ID": "AAA", "STS": "http://127.0.0.1:5000", "LISTEN": "127.0.0.1:0"}
    configuration = loaded(tmp_path, text, environ)
    assert configuration.issuers["cluster"].url == "https://a.example/id/AAA"
    assert configuration.targets["own"].endpoint_url == "http://127.0.0.1:5000"
    assert str(configuration.scopes["reports"].mint.external_id) == "acme-7"
    assert configuration.listen.port == 0
    assert secret in configuration.files


@pytest.mark.parametrize(
    "value", ["CANARY WITH BLANKS", "{{ canary }}", "CANARY}}", "canaryé", "", "CANARY\nCANARY", "{{ canary"]
)
@pytest.mark.parametrize("by", ["${env:SECRET}", "${file:secret}"])
def test_a_secret_that_does_not_fit_is_never_shown(tmp_path: Path, value: str, by: str) -> None:
    _write(tmp_path, "secret", value)
    text = changed("role/reports\n", f'role/reports\n        external_id: "{by}"\n')
    findings = found(tmp_path, text.replace("https://oidc.example.com/id/AAA", by), {"SECRET": value})
    assert {one.field for one in findings} == {"issuers.cluster.issuer", "scopes.reports.mint.assume_role.external_id"}
    assert "canary" not in "\n".join(map(str, findings)).lower()


@pytest.mark.parametrize("raw", [b"\xff", b"a" * 65 * 1024])
def test_a_referred_file_that_is_no_short_text_is_refused(tmp_path: Path, raw: bytes) -> None:
    file = _write(tmp_path, "secret", raw)
    (line,) = told(tmp_path, changed("https://oidc.example.com/id/AAA", "${file:secret}"))
    assert line.startswith(f"8:13: issuers.cluster.issuer: the file {file} is ")
