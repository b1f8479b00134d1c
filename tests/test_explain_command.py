"""`vendor explain`: the decision of serving, told whole, for a token or for any attributes; and its exit codes."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import tokens
from tests.fakes.issuer import Issuer
from tests.service import CONFIGURATION
from vendor.cli import explained, main

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SUBJECT = "system:serviceaccount:analytics:reporter"
REPORTER = {"issuer": "cluster-a", "subject": SUBJECT, "namespace": "analytics", "service_account": "reporter"}
POD = {"namespace": "analytics", "serviceaccount": {"name": "reporter", "uid": "u-1"}}
STEERING = re.compile(r"[^\n -~]")


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as server:
        yield server


class Told:
    """What the command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        """The explanation as JSON."""
        return json.loads(self.out)

    def line(self, beginning: str) -> str:
        """The line that begins so, its blanks squeezed."""
        (found,) = [line for line in self.out.splitlines() if line.strip().startswith(beginning)]
        return " ".join(found.split())


class Desk:
    """Runs the command on a configuration of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], url: str) -> None:
        self.folder, self.capsys = folder, capsys
        self.path = folder / "vendor.yaml"
        self.text = CONFIGURATION.format(audit="-", issuer=url, sts="https://sts.example.com")
        self.path.write_text(self.text)

    def change(self, old: str, new: str) -> None:
        """Replace one passage of the configuration."""
        assert self.text.count(old) == 1, old
        self.text = self.text.replace(old, new)
        self.path.write_text(self.text)

    async def explain(self, *arguments: str, attributes: Any = REPORTER, scope: str | None = "reports:read") -> Told:
        """Run the command for attributes."""
        scoped = ["--scope", scope] if scope else []
        given = attributes if isinstance(attributes, str) else json.dumps(attributes)
        return await self.run(*scoped, "--attributes", given, *arguments)

    async def token(self, token: str, *arguments: str) -> Told:
        """Run the command for a token."""
        path = self.folder / "token"
        path.write_text(token)
        return await self.run("--scope", "reports:read", "--token-file", str(path), *arguments)

    async def run(self, *arguments: str) -> Told:
        """Run the command."""
        code = await asyncio.to_thread(main, ["explain", str(self.path), *arguments])
        return Told(code, *self.capsys.readouterr())


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], issuer: Issuer) -> Desk:
    return Desk(tmp_path, capsys, issuer.issuer)


async def test_who_may_have_a_scope_is_told_everything_that_would_be_sent(desk: Desk) -> None:
    told = await desk.explain("--parameter", "month=2026-03")
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines()[0] == "allowed: reports:read by grant 0"
    assert told.line("role") == "role arn:aws:iam::111122223333:role/reports"
    assert told.line("session name").startswith("session name analytics.reporter-")
    assert told.line("source identity") == "source identity analytics.reporter"
    assert told.line("tags") == "tags namespace=analytics"
    assert told.line("transitive") == "transitive namespace"
    assert told.line("duration") == "duration 3600 s, the scope's own"
    assert told.line("external id") == "external id sent"
    assert '"Resource": "arn:aws:s3:::reports/analytics/2026-03/*"' in told.out
    assert "CANARY" not in told.out
    assert "warnings" not in told.out


async def test_tools_get_what_the_operators_door_answers(desk: Desk) -> None:
    told = (await desk.explain("--format", "json", "--duration", "2h")).json
    assert set(told) == {
        *("allowed", "scope", "asked", "principal", "grant", "would_refuse", "grants", "refusal", "session"),
        "warnings",
    }
    assert told["asked"] == {"scope": "reports:read", "parameters": {}, "duration_seconds": 7200}
    session = told["session"]
    assert (session["duration_seconds"], session["duration_rule"]) == (7200, "asked")
    assert session["chain"] == [session["role"]]
    written = json.dumps(session["policy"], separators=(",", ":"))
    assert session["policy_characters"] == len(written)


async def test_who_is_refused_is_told_of_each_grant_what_failed_what_it_was_and_what_was_wanted(desk: Desk) -> None:
    desk.change("    parameters:\n", "      - {issuer: cluster-a, where: {namespace: platform}}\n    parameters:\n")
    told = await desk.explain(attributes={**REPORTER, "service_account": "other"})
    assert told.code == 1
    assert told.out.startswith("refused: access_denied, no_grant: this identity may not have this scope\n")
    assert told.line("0") == "0 service_account is \"other\", wanted any of 'reporter', glob 'batch-*'"
    assert told.line("1") == "1 namespace is \"analytics\", wanted 'platform'"
    missing = await desk.explain(attributes={"issuer": "cluster-a", "namespace": "analytics"})
    assert missing.line("0").startswith("0 service_account is missing, wanted ")


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [
        (["--parameter", "month=*"], "refused: value_not_allowed, value: parameter month is '*'"),
        (["--parameter", "year=2026"], "refused: invalid_request, undeclared_parameter: this scope has no parameter"),
        (["--duration", "5h"], "refused: invalid_request, duration: this scope gives at most 14400 seconds"),
        (["--duration", "18000"], "refused: invalid_request, duration: this scope gives at most 14400 seconds"),
        (["--duration", "1s"], "refused: invalid_request, duration: duration_seconds must be from 900 to 43200"),
    ],
)
async def test_what_is_asked_for_is_judged_as_at_the_door(desk: Desk, arguments: list[str], verdict: str) -> None:
    told = await desk.explain(*arguments)
    assert (told.code, told.out.startswith(verdict)) == (1, True), told.out


async def test_an_unknown_scope_is_refused_and_no_scope_means_the_only_one(desk: Desk) -> None:
    assert (await desk.explain(scope="other")).out.startswith("refused: access_denied, unknown_scope: there is no")
    assert (await desk.explain(scope=None)).out.startswith("allowed: reports:read")


async def test_a_token_is_verified_as_serving_would(desk: Desk, issuer: Issuer) -> None:
    claims = {"sub": SUBJECT, "kubernetes.io": POD}
    good = await desk.token(issuer.token(claims))
    assert (good.code, good.out.splitlines()[0]) == (0, "allowed: reports:read by grant 0")
    forged = tokens.tampered(issuer.token(claims))
    refused = await desk.token(forged, "--format", "json")
    assert (refused.code, refused.json["refusal"]["reason"]) == (1, "signature")
    assert (refused.json["principal"], refused.json["session"], refused.json["grants"]) == (None, None, [])
    assert issuer.token(claims).split(".")[1] not in refused.out


async def test_a_token_that_cannot_be_verified_goes_on_by_its_claims_only_when_that_is_said(
    desk: Desk, issuer: Issuer
) -> None:
    claims = {
        "sub": SUBJECT,
        "exp": int(time.time()) - 3600,
        "iat": int(time.time()) - 7200,
        "kubernetes.io": POD,
    }
    old = issuer.token(claims)
    assert (await desk.token(old)).out.startswith("refused: expired_token, expired: ")
    asked = issuer.requests.total()
    told = await desk.token(old, "--unverified")
    assert (told.code, issuer.requests.total()) == (0, asked)
    assert told.line("the token was not").endswith("serving would refuse it: expired_token, expired")
    nobody = await desk.token("eyJ", "--unverified")
    assert (nobody.code, nobody.out.startswith("refused: invalid_token, malformed_token")) == (1, True)


async def test_a_token_comes_from_standard_input_too(
    desk: Desk, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(issuer.token().encode() + b"\n")))
    told = await desk.run("--scope", "reports:read", "--token-file", "-")
    assert told.line("issuer") == 'issuer "cluster-a"'


async def test_what_serving_would_ask_others_about_is_said(desk: Desk, issuer: Issuer) -> None:
    desk.change("allow_private_addresses: true", "allow_private_addresses: true, one_time_tokens: true")
    claims = {
        "sub": SUBJECT,
        "jti": "once",
        "kubernetes.io": POD,
    }
    told = await desk.token(issuer.token(claims))
    assert told.line("only the service") == "only the service knows whether the token was used before"
    desk.change("one_time_tokens: true", 'token_review: true, api_server: {url: "https://127.0.0.1:1"}')
    told = await desk.token(issuer.token(claims))
    assert told.line("the token was not reviewed").startswith("the token was not reviewed here")


async def test_a_session_that_must_end_with_its_token_says_that_this_set_the_duration(
    desk: Desk, issuer: Issuer
) -> None:
    desk.change("      max_duration: 4h", "      max_duration: 4h\n      cap_to_token: true")
    claims = {"sub": SUBJECT, "kubernetes.io": POD}
    soon = await desk.token(issuer.token({**claims, "exp": int(time.time()) + 2400}), "--format", "json")
    session = soon.json["session"]
    assert session["duration_rule"] == "cap_to_token"
    assert 2300 <= session["duration_seconds"] <= 2400
    assert soon.json["warnings"] == []
    late = await desk.token(issuer.token({**claims, "exp": int(time.time()) + 60}))
    assert late.line("the token ends too soon") == (
        "the token ends too soon: STS gives no less than 900 s, so the exchange is refused"
    )


async def test_what_is_allowed_and_may_not_be_meant_is_warned_of(desk: Desk) -> None:
    desk.change("      max_duration: 4h", "      max_duration: 4h\n    mode: audit")
    told = await desk.explain("--duration", "15m", attributes={"issuer": "cluster-a", "namespce": "analytics"})
    assert told.out.startswith("refused: value_not_allowed")
    assert told.line("cluster-a yields") == "cluster-a yields no attribute namespce"
    told = await desk.explain("--duration", "15m", attributes={**REPORTER, "service_account": "x", "subject": ""})
    assert (told.code, told.out.splitlines()[0]) == (0, "allowed: reports:read by mode audit alone")
    warnings = told.out.partition("warnings\n")[2].splitlines()
    assert [line.split(":")[0].strip() for line in warnings] == [
        "no grant matches",
        "no subject was given",
        "SDKs renew below 15 minutes left",
    ]


async def test_a_large_policy_and_none_at_all_are_warned_of(desk: Desk) -> None:
    whole = desk.text
    desk.change('Action: "s3:GetObject"', f'Action: ["s3:GetObject", "s3:{"x" * 1600}"]')
    assert (await desk.explain()).line("the policy is near").startswith("the policy is near its 2048 characters")
    desk.text = re.sub(r"      policy:\n(?:        .*\n)+", "      unrestricted: true\n", whole)
    desk.path.write_text(desk.text.replace('      month: {pattern: "[0-9]{4}-[0-9]{2}", default: "2026-01"}\n', ""))
    desk.path.write_text(desk.path.read_text().replace("    parameters:\n", ""))
    told = await desk.explain()
    assert told.line("unrestricted") == "unrestricted: the session can do all that the role can"
    assert told.line("policy") == "policy: none"
    managed = "policy_arns: [arn:aws:iam::aws:policy/ReadOnlyAccess]"
    desk.path.write_text(desk.path.read_text().replace("unrestricted: true", f"unrestricted: true\n      {managed}"))
    told = await desk.explain()
    assert told.line("policy ARNs") == "policy ARNs arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert "unrestricted" not in told.out


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        "[]",
        "null",
        "{",
        '{"namespace":"analytics"}',
        '{"issuer":"nobody"}',
        '{"issuer":1}',
        '{"issuer":["cluster-a"]}',
        '{"issuer":"cluster-a","namespace":null}',
        '{"issuer":"cluster-a","namespace":1.5}',
        '{"issuer":"cluster-a","a":1,"a":2}',
        '{"issuer":"cluster-a","a":"\\ud800"}',
        '{"issuer":"cluster-a","\x1b[2J":{}}',
        "\udcff",
        "[" * 100_000,
    ],
)
async def test_attributes_that_are_none_are_a_matter_of_usage(desk: Desk, attributes: str) -> None:
    told = await desk.explain(attributes=attributes)
    assert (told.code, told.out) == (2, "")
    assert len(told.err.splitlines()) == 1
    assert not STEERING.search(told.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--parameter", "month"],
        ["--parameter", "=x"],
        ["--parameter", "month=2026-01", "--parameter", "month=2026-02"],
        ["--duration", "soon"],
        ["--duration", ""],
        ["--duration", "99999999999999h"],
        ["--unverified"],
    ],
)
async def test_what_cannot_be_asked_is_a_matter_of_usage(desk: Desk, arguments: list[str]) -> None:
    told = await desk.explain(*arguments)
    assert (told.code, told.out, len(told.err.splitlines())) == (2, "", 1)


async def test_a_file_that_cannot_be_read_is_told_in_one_line(desk: Desk, tmp_path: Path) -> None:
    for name in (tmp_path / "nothing", tmp_path):
        told = await desk.run("--scope", "reports:read", "--token-file", str(name))
        assert (told.code, told.out, len(told.err.splitlines())) == (2, "", 1)
    desk.path.unlink()
    told = await desk.explain()
    assert (told.code, told.out, len(told.err.splitlines())) == (2, "", 1)


@pytest.mark.parametrize("arguments", [[], ["--attributes", "{}", "--token-file", "t"]])
def test_somebody_must_be_named_and_only_one(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", "vendor.yaml", *arguments])
    assert ended.value.code == 2
    assert "usage: vendor explain" in capsys.readouterr().err


async def test_nothing_in_an_attribute_steers_a_terminal_and_no_token_is_shown(desk: Desk) -> None:
    hostile = {**REPORTER, "node": "\x1b[2J\x07\u202e\x9b", "pod": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"}
    for form in ("text", "json"):
        told = await desk.explain("--format", form, attributes=hostile)
        assert told.code == 0
        assert not STEERING.search(told.out)
    assert "eyJzdWIiOiJhIn0" not in (await desk.explain(attributes=hostile)).out


async def test_colours_are_for_terminals_only(desk: Desk) -> None:
    told = (await desk.explain("--format", "json")).json
    plain, painted = explained.as_text(told, colour=False), explained.as_text(told, colour=True)
    assert re.sub(r"\x1b\[[0-9]+m", "", painted) == plain
    assert painted.startswith("\x1b[32mallowed\x1b[0m: ")
    assert "\x1b" not in (await desk.explain()).out


ATTRIBUTE = st.text(max_size=20) | st.integers() | st.booleans() | st.lists(st.text(max_size=5), max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    attributes=st.dictionaries(st.sampled_from(["namespace", "service_account", "subject", "x"]), ATTRIBUTE),
    month=st.text(st.characters(exclude_characters="\0"), max_size=10),
)
async def test_whatever_is_given_ends_in_an_answer(desk: Desk, attributes: dict[str, Any], month: str) -> None:
    told = await desk.explain("--parameter", f"month={month}", attributes={**attributes, "issuer": "cluster-a"})
    assert told.code in {0, 1, 2}
    assert not STEERING.search(told.out + told.err)
