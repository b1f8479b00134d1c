from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.client.service import TOKEN, Service, answered, refused, vended
from vendor.client import Client, Refused, Unreachable, UsageError
from vendor.client.token import find_token

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.conftest import Patient

OTHER = "eyJvdGhlciI6MX0.eyJvdGhlciI6MX0.b3RoZXI"
GITHUB = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://a.example/", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}


def not_asked() -> NoReturn:
    raise AssertionError("GitHub was asked")


@pytest.mark.parametrize(
    ("present", "found"),
    [
        ("option variable text projected github gitlab", "option"),
        ("variable text projected github gitlab", "variable"),
        ("text projected github gitlab", "text"),
        ("projected github gitlab", "projected"),
        ("github gitlab", "github"),
        ("gitlab", "gitlab"),
    ],
)
def test_each_place_goes_before_those_after_it(tmp_path: Path, present: str, found: str) -> None:
    tokens = {name: f"ey{name}.e30.c2ln" for name in present.split()}
    for name, token in tokens.items():
        (tmp_path / name).write_text(token)
    environ = {"VENDOR_TOKEN_FILE": str(tmp_path / "variable")} if "variable" in tokens else {}
    environ |= GITHUB if "github" in tokens else {}
    environ |= {"VENDOR_TOKEN": tokens.get("text", ""), "VENDOR_ID_TOKEN": tokens.get("gitlab", "")}
    token = find_token(
        token_file=tmp_path / "option" if "option" in tokens else None,
        environ=environ,
        ask_github=lambda: tokens["github"],
        projected=tmp_path / "projected",
    )
    assert token == tokens[found]


@pytest.mark.parametrize("missing", GITHUB)
def test_half_of_what_github_gives_is_nothing(tmp_path: Path, missing: str) -> None:
    environ = {name: value for name, value in GITHUB.items() if name != missing}
    with pytest.raises(UsageError, match=f"; {missing} is not set, which a GitHub job has with "):
        find_token(token_file=None, environ=environ, ask_github=not_asked, projected=tmp_path / "none")


@pytest.mark.parametrize("name", ["CI_JOB_JWT", "CI_JOB_JWT_V2", "CI_JOB_TOKEN", "GITHUB_TOKEN"])
def test_a_token_that_is_for_somebody_else_is_never_picked_up(name: str) -> None:
    with pytest.raises(UsageError, match="no token was found"):
        find_token(token_file=None, environ={name: TOKEN}, ask_github=not_asked, projected="/nonexistent")


@pytest.mark.parametrize("place", ["option", "variable", "projected"])
def test_a_place_that_is_named_and_holds_nothing_is_not_passed_over(tmp_path: Path, place: str) -> None:
    empty = tmp_path / "empty"
    empty.write_text("")
    later = {**GITHUB, "VENDOR_ID_TOKEN": TOKEN}
    with pytest.raises(UsageError, match="empty holds no JWT"):
        find_token(
            token_file=empty if place == "option" else None,
            environ={**later, "VENDOR_TOKEN_FILE": str(empty)} if place == "variable" else later,
            ask_github=not_asked,
            projected=empty,
        )


def test_a_projected_file_is_read_again_at_each_fetch(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "token"
    client = Client(service.url, token_file=path, environ={})
    for token in (TOKEN, OTHER):
        path.write_text(token)
        client.credentials("reports:read")
    assert [asked.headers["Authorization"] for asked in service.asked] == [f"Bearer {TOKEN}", f"Bearer {OTHER}"]


def test_a_gitlab_job_is_found_by_its_variable(service: Service) -> None:
    Client(service.url, environ={"GITLAB_CI": "true", "VENDOR_ID_TOKEN": f"{OTHER}\n"}).credentials("reports:read")
    assert service.asked[0].headers["Authorization"] == f"Bearer {OTHER}"


def test_no_token_anywhere_tells_every_place_to_put_one() -> None:
    with pytest.raises(UsageError) as caught:
        find_token(token_file=None, environ={}, ask_github=not_asked, projected="/nonexistent")
    assert "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set" in str(caught.value)
    assert str(caught.value).endswith("aud: vendor`")  # nothing of it was cut off
    for place in ("--token-file", "VENDOR_TOKEN_FILE", "VENDOR_TOKEN", "/nonexistent", "id-token: write", "id_tokens:"):
        assert place in str(caught.value)


@pytest.mark.parametrize("around", ["{}", "{}\n", "{}\r\n", " \t{}\n\n"])
def test_white_space_around_a_token_is_no_part_of_it(tmp_path: Path, around: str) -> None:
    path = tmp_path / "token"
    path.write_text(around.format(TOKEN))
    assert find_token(token_file=path, environ={}, ask_github=not_asked) == TOKEN


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"hunter2-secret",
        b"Bearer " + TOKEN.encode(),
        b"hunter2.secret",
        b"a.hunter2.c.d",
        b"a..c",
        b"a.hunter2.",
        b"a.hun ter2.c",
        b"a.hunter2\r\nX-Injected: 1.c",
        b"a.hunter2=.c",
        "a.hunter2é.c".encode(),
        b"a.hunter2.\xff",
        b"a.hunter2." + b"c" * 16_384,
        b"a.hunter2." + b"c" * 40_000,
    ],
)
def test_what_is_no_jwt_is_neither_sent_nor_shown(tmp_path: Path, service: Service, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="holds no JWT") as caught:
        Client(service.url, token_file=path, environ={}).credentials("reports:read")
    assert str(path) in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert not service.asked


@pytest.mark.parametrize("name", ["VENDOR_TOKEN", "VENDOR_ID_TOKEN"])
def test_a_variable_that_holds_no_jwt_is_named_and_not_shown(name: str) -> None:
    with pytest.raises(UsageError, match=name) as caught:
        find_token(token_file=None, environ={name: "hunter2"}, ask_github=not_asked, projected="/nonexistent")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"), [("missing", "No such file"), (".", "Is a directory"), ("a\x00b", "no path")]
)
def test_a_token_file_that_cannot_be_read_is_an_error_and_not_passed_over(
    tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        find_token(token_file=f"{tmp_path}/{name}", environ={"VENDOR_TOKEN": TOKEN}, ask_github=not_asked)


def job(github: Service, **more: str) -> dict[str, str]:
    return {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{github.url}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner-token",
        **more,
    }


@pytest.mark.parametrize(("more", "audience"), [({}, "vendor"), ({"VENDOR_AUDIENCE": "a b"}, "a+b")])
def test_a_github_job_asks_for_a_token_of_our_audience(service: Service, more: dict[str, str], audience: str) -> None:
    with Service(answered(200, {"value": OTHER})) as github:
        Client(service.url, environ=job(github, **more)).credentials("reports:read")
        (asked,) = github.asked
    assert (asked.method, asked.target) == ("GET", f"/token?api-version=2.0&audience={audience}")
    assert asked.headers["Authorization"] == "Bearer runner-token"
    assert service.asked[0].headers["Authorization"] == f"Bearer {OTHER}"


def test_a_github_address_without_a_query_gets_one(service: Service) -> None:
    with Service(answered(200, {"value": OTHER})) as github:
        environ = job(github, ACTIONS_ID_TOKEN_REQUEST_URL=github.url)
        Client(service.url, environ=environ).credentials("reports:read")
        assert github.asked[0].target == "/?audience=vendor"


def test_github_is_asked_again_when_it_is_busy(service: Service, clock: Patient) -> None:
    with Service(refused(503, "busy"), answered(200, {"value": OTHER})) as github:
        Client(service.url, environ=job(github), clock=clock).credentials("reports:read")
        assert len(github.asked) == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [(403, {"value": OTHER}), (200, {}), (200, {"value": 7}), (200, b"<html>"), (201, {"value": OTHER})],
)
def test_a_github_that_gives_no_token_is_told_by_its_status(service: Service, status: int, body: object) -> None:
    with Service(answered(status, body)) as github:
        with pytest.raises(Refused) as caught:
            Client(service.url, environ=job(github)).credentials("reports:read")
        assert caught.value.code == "token_unavailable"
        assert f"HTTP {status} from {github.url}" in caught.value.message
    assert not service.asked


def test_what_github_gives_must_be_a_jwt(service: Service) -> None:
    with Service(answered(200, {"value": "hunter2"})) as github, pytest.raises(UsageError, match="GitHub") as caught:
        Client(service.url, environ=job(github)).credentials("reports:read")
    assert "hunter2" not in str(caught.value)


def test_a_runner_token_that_no_header_can_carry_is_not_shown(service: Service) -> None:
    with Service() as github:
        environ = job(github, ACTIONS_ID_TOKEN_REQUEST_TOKEN="hunter2\r\nX: 1")
        with pytest.raises(UsageError, match="ACTIONS_ID_TOKEN_REQUEST_TOKEN") as caught:
            Client(service.url, environ=environ).credentials("reports:read")
        assert not github.asked
    assert "hunter2" not in str(caught.value)


def test_the_runner_token_does_not_travel_in_clear(service: Service) -> None:
    environ = {**GITHUB, "ACTIONS_ID_TOKEN_REQUEST_URL": "http://github.example/"}
    with pytest.raises(UsageError, match="must not travel in clear"):
        Client(service.url, environ=environ).credentials("reports:read")


def test_a_github_out_of_reach_is_named(service: Service, clock: Patient) -> None:
    with Service(vended()) as gone:
        environ = job(gone)
    with pytest.raises(Unreachable, match="Connection refused") as caught:
        Client(service.url, environ=environ, clock=clock).credentials("reports:read")
    assert gone.url in str(caught.value)


def test_both_tokens_come_within_one_deadline(service: Service, clock: Patient) -> None:
    service.then(refused(503, "overloaded", Retry_After="6"), vended())
    with Service(refused(503, "busy", Retry_After="6"), answered(200, {"value": OTHER})) as github:
        client = Client(service.url, environ=job(github), clock=clock)
        with pytest.raises(Refused, match="overloaded"):
            client.credentials("reports:read")
    assert len(clock.slept) == 1
    assert json.loads(service.asked[0].body) == {"parameters": {}}
