from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.service import TOKEN, Service, answered, golden, refused
from vendor import client as package
from vendor.client import Client, Refused, UsageError
from vendor.client.answer import Answer
from vendor.client.deadline import Deadline
from vendor.client.refusals import KINDS, Passing
from vendor.client.retry import ATTEMPT, insist
from vendor.refusals import Code
from vendor.server.errors import STATUS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.client.conftest import Patient

    Vend = Callable[..., subprocess.CompletedProcess[str]]

MONTH = {
    "description": "Which month",
    "pattern": "[0-9]{4}-[0-9]{2}",
    "one_of": [],
    "path": False,
    "default": "2026-01",
}
TEAM = {"description": "", "pattern": None, "one_of": ["red", "blue"], "path": False, "default": None, "required": True}
SCOPES = [
    {
        "name": "reports:read",
        "description": "Read reports",
        "parameters": {"month": MONTH, "team": TEAM},
        "duration_seconds": 3600,
        "max_duration_seconds": 14_400,
    },
    {
        "name": "batch",
        "description": "",
        "parameters": {},
        "duration_seconds": 5_400,
        "max_duration_seconds": 7_203,
    },
]
LISTED = """\
reports:read                  Read reports; lasts 1h, 4h at most
    --param month=…           Which month; [0-9]{4}-[0-9]{2}; 2026-01 when not given
    --param team=…            one of red, blue; required
batch                         lasts 90m, 7203s at most
"""
URL = "https://signin.aws.amazon.com/federation?Action=login&SigninToken=secret"


@pytest.fixture
def client(environ: dict[str, str]) -> Client:
    return Client(environ=environ)


def signed_in(**changes: Any) -> dict[str, Any]:
    end = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    return {"Url": URL, "Expiration": end, "Scope": "reports:read", **changes}


def test_scopes_are_listed_for_people(inside: Vend, service: Service) -> None:
    service.then(answered(200, {"scopes": SCOPES}))
    done = inside("scopes")
    assert (done.returncode, done.stdout, done.stderr) == (0, LISTED, "")
    assert (service.asked[0].method, service.asked[0].target) == ("GET", "/v1/scopes")


def test_scopes_are_listed_for_programs(inside: Vend, service: Service) -> None:
    service.then(answered(200, {"scopes": SCOPES}))
    (first, second) = json.loads(inside("scopes", "--json").stdout)
    assert second == SCOPES[1]
    assert first["parameters"]["team"] == {
        "description": "",
        "pattern": None,
        "one_of": ["red", "blue"],
        "default": None,
    }
    assert inside("scopes", "--names").stdout == "reports:read\nbatch\n"


def test_nobody_with_no_scope_is_told_of_any(inside: Vend, service: Service) -> None:
    service.then(answered(200, {"scopes": []}))
    done = inside("scopes")
    assert (done.returncode, done.stdout) == (0, "")


def test_scopes_come_as_values(client: Client, service: Service) -> None:
    service.then(answered(200, {"scopes": SCOPES}))
    first, second = client.scopes()
    assert (first.name, first.duration, first.max_duration) == ("reports:read", timedelta(hours=1), timedelta(hours=4))
    assert (first.parameters["team"].one_of, first.parameters["team"].default) == (("red", "blue"), None)
    assert repr(second) == "Scope('batch')"


@pytest.mark.parametrize(
    "members",
    [{}, {"scopes": {}}, {"scopes": ["a"]}, {"scopes": [{"name": ""}]}, {"scopes": [{"name": 7}]}],
)
def test_what_is_no_list_of_scopes_is_refused(client: Client, service: Service, members: dict[str, Any]) -> None:
    service.then(answered(200, {"more": 1, **members}))
    with pytest.raises(Refused) as caught:
        client.scopes()
    assert caught.value.code == "bad_answer"


def test_console_prints_the_url(inside: Vend, service: Service) -> None:
    service.then(answered(200, signed_in()))
    done = inside("console", "reports:read", "--param", "month=2026-03", "--duration", "1h")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{URL}\n", "")
    (asked,) = service.asked
    assert (asked.method, asked.target) == ("POST", "/v1/console/reports%3Aread")
    assert json.loads(asked.body) == {"parameters": {"month": "2026-03"}, "duration_seconds": 3600}


def test_console_opens_a_browser_when_told_to(vend: Vend, service: Service, tmp_path: Path) -> None:
    service.then(answered(200, signed_in()))
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o700)
    done = vend("console", "reports:read", "--open", BROWSER=str(browser))
    assert done.returncode == 0
    assert (tmp_path / "opened").read_text() == f"{URL}\n"


def test_console_says_when_there_is_no_browser(vend: Vend, service: Service) -> None:
    service.then(answered(200, signed_in()))
    done = vend("console", "reports:read", "--open", BROWSER="/nonexistent %s", PATH="/nonexistent")
    assert (done.returncode, done.stdout) == (0, f"{URL}\n")
    assert done.stderr == "vend: no browser could be opened; here is the URL\n"


def test_the_url_is_in_no_repr(client: Client, service: Service) -> None:
    service.then(answered(200, signed_in(Scope=7)))
    found = client.console("reports:read")
    assert (found.url, found.scope) == (URL, None)
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "changes",
    [
        {"Url": None},
        {"Url": "javascript:alert(1)"},
        {"Url": "https://a b"},
        {"Url": "https://a\x1b[2J"},
        {"Url": "--help"},
        {"Expiration": None},
        {"Expiration": "soon"},
    ],
)
def test_what_signs_nobody_in_is_refused(client: Client, service: Service, changes: dict[str, Any]) -> None:
    service.then(answered(200, signed_in(**changes)))
    with pytest.raises(Refused) as caught:
        client.console("reports:read")
    assert caught.value.code == "bad_answer"
    assert "secret" not in str(caught.value)


def test_the_console_wants_a_scope(client: Client, service: Service) -> None:
    with pytest.raises(UsageError, match="name the scope"):
        client.console()
    assert not service.asked


def identity(**changes: Any) -> dict[str, Any]:
    end = f"{datetime.now(UTC) + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
    given = {"Code": "Success", "Type": "JWT", "LastUpdated": end, "Token": TOKEN, "Expiration": end, "Scope": "a"}
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def test_get_prints_a_token_that_aws_signed(inside: Vend, client: Client, service: Service) -> None:
    document = identity()
    service.then(answered(200, document))
    done = inside("get", "a")
    assert (done.returncode, json.loads(done.stdout)) == (0, document)
    found = client.identity_token("a", audience="x")
    assert (found.token, found.scope, found.document()) == (TOKEN, "a", document)
    assert TOKEN not in repr(found)


@pytest.mark.parametrize("command", ["env", "process"])
def test_such_a_token_is_not_taken_for_credentials(inside: Vend, service: Service, command: str) -> None:
    service.then(answered(200, identity()))
    done = inside(command, "a")
    assert done.returncode == 1
    assert "this scope gives an identity token and no credentials: `vend get` prints it" in done.stderr


@pytest.mark.parametrize(
    "members",
    [
        identity(Token=None),
        identity(Token=7),
        identity(Token="a\nb"),
        identity(Expiration=None),
        identity(Expiration="soon"),
        identity(Expiration="2020-01-01T00:00:00Z"),
        golden(),
    ],
)
def test_what_is_no_identity_token_is_refused(client: Client, service: Service, members: dict[str, Any]) -> None:
    service.then(answered(200, members))
    with pytest.raises(Refused) as caught:
        client.identity_token("a")
    assert caught.value.code == "bad_answer"


def test_an_attempt_may_be_given_longer_than_others_are(clock: Patient) -> None:
    given: list[float] = []

    def attempt(part: Deadline) -> Answer:
        given.append(part.left())
        return Answer(200, Message(), b"{}")

    for each in (ATTEMPT, 8.0, 80.0):
        insist(attempt, deadline=Deadline(10, clock), nobody=Deadline(2, clock), each=each)
    assert given == [5, 8, 10]


def test_a_scope_that_wants_more_than_a_token_is_sent_it(inside: Vend, service: Service, tmp_path: Path) -> None:
    (tmp_path / "assertion").write_text("PHNhbWw+\nPC9zYW1sPg==\n")
    done = inside("get", "a", "--mfa-code", "123456", "--saml-assertion", str(tmp_path / "assertion"))
    assert done.returncode == 0
    expected = {"parameters": {}, "mfa_code": "123456", "saml_assertion": "PHNhbWw+PC9zYW1sPg=="}
    assert json.loads(service.asked[0].body) == expected


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["get", "a", "--saml-assertion", "/nonexistent"], "cannot be read: No such file"),
        (["get", "a", "--saml-assertion", "/usr/bin/env"], "cannot be read: it is not base64"),
        (["get", "--mfa-code", "123456"], "name a scope"),
    ],
)
def test_what_cannot_be_sent_along_is_exit_2(inside: Vend, service: Service, arguments: list[str], reason: str) -> None:
    done = inside(*arguments)
    assert done.returncode == 2
    assert reason in done.stderr
    assert not service.asked


def test_every_code_of_the_service_has_an_exception() -> None:
    assert {code.value for code in Code} <= set(KINDS), "a code is new: add it to vendor/client/refusals.py too"


@pytest.mark.parametrize("code", KINDS)
def test_a_refusal_is_raised_as_what_it_is(client: Client, service: Service, code: str) -> None:
    service.then(refused(403, code))
    with pytest.raises(Refused) as caught:
        client.credentials("reports:read")
    assert type(caught.value) is KINDS[code]
    assert caught.value.code == code


def test_what_may_pass_by_itself_is_told_from_what_may_not() -> None:
    passing = {code for code, kind in KINDS.items() if issubclass(kind, Passing)}
    assert {code.value for code, status in STATUS.items() if status in {429, 503}} <= passing
    assert not passing & {code.value for code, status in STATUS.items() if status < 429}


def test_each_kind_can_be_caught_by_its_name() -> None:
    for kind in KINDS.values():
        assert getattr(package, kind.__name__) is kind
