"""`vendor token`: what it shows, what it never shows, and its exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import tokens
from tests.fakes.issuer import Issuer
from tests.fakes.keys import as_jwks
from tests.service import CONFIGURATION, ROOT
from vendor.cli import main, terminal
from vendor.identity.token import digest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.slow

NESTED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJuZXN0ZWQifQ.c2lnbmF0dXJl"
STEERING = re.compile(r"[^\n -~]")


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as server:
        yield server


class Shown:
    """What the command printed for a token, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        """The report as JSON."""
        return json.loads(self.out)

    def line(self, check: str) -> str:
        """The line of one check, its blanks squeezed."""
        (found,) = re.findall(rf"^  {check} .*$", self.out, re.MULTILINE)
        return " ".join(found.split())


class Desk:
    """Runs the command on tokens of an issuer."""

    def __init__(self, folder: Path, issuer: Issuer, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.issuer, self.capsys = folder, issuer, capsys

    def configure(self, terms: str = "allow_private_addresses: true") -> list[str]:
        """Write a configuration and return the options that name it."""
        text = CONFIGURATION.format(audit="-", issuer=self.issuer.issuer, sts="https://sts.example.com")
        (self.folder / "vendor.yaml").write_text(text.replace("allow_private_addresses: true", terms))
        return ["--config", str(self.folder / "vendor.yaml")]

    async def show(self, token: str | bytes, *options: str) -> Shown:
        """Run the command on a file that holds a token."""
        path = self.folder / "token"
        path.write_bytes(token.encode() if isinstance(token, str) else token)
        return await self.run(str(path), *options)

    async def run(self, *arguments: str) -> Shown:
        """Run the command."""
        code = await asyncio.to_thread(main, ["token", *arguments])
        return Shown(code, *self.capsys.readouterr())


@pytest.fixture
def desk(tmp_path: Path, issuer: Issuer, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, issuer, capsys)


async def test_a_token_that_would_be_taken_exits_with_0_and_shows_its_attributes(desk: Desk) -> None:
    token = desk.issuer.token()
    shown = await desk.show(token, *desk.configure())
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(f"token {digest(token)} ")
    assert "issuer pass cluster-a, of kind kubernetes" in " ".join(shown.out.split())
    assert shown.line("namespace") == 'namespace "analytics"'
    assert shown.out.endswith("\ntaken\n")


async def test_a_token_that_would_be_refused_exits_with_1_and_says_each_reason(desk: Desk) -> None:
    token = desk.issuer.token({"aud": "other", "exp": int(time.time()) - 60, "iat": int(time.time()) - 90, "nbf": None})
    shown = await desk.show(token, *desk.configure())
    assert (shown.code, shown.err) == (1, "")
    assert shown.line("signature") == "signature pass"
    assert shown.line("audience") == "audience refused audience: the token is for 'other'"
    assert re.fullmatch(r"expiry refused expired: the token expired 6\d s ago", shown.line("expiry"))
    assert "\nattributes, unproven\n" in shown.out
    assert shown.out.endswith("\nrefused: invalid_token, audience\n")


async def test_times_are_told_as_people_say_them(desk: Desk) -> None:
    now = int(time.time())
    said = {"iat": now - 7200, "exp": now + 3630, "nbf": now - 40, "auth_time": "x"}
    shown = await desk.show(desk.issuer.token(said))
    assert re.fullmatch(r"exp \d+ \(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ, in 60m\)", shown.line("exp"))
    assert re.search(r", 2h ago\)$", shown.line("iat"))
    assert re.search(r", 4\ds ago\)$", shown.line("nbf"))
    assert shown.line("auth_time") == 'auth_time "x"'


@pytest.mark.parametrize("value", [10**30, -1, 1.5, True])
async def test_a_time_that_is_none_is_shown_as_it_is(desk: Desk, value: Any) -> None:
    shown = await desk.show(desk.issuer.token({"exp": value}))
    assert (shown.code, shown.line("exp")) == (1, f"exp {json.dumps(value)}")


async def test_without_a_configuration_it_says_what_can_be_said(desk: Desk) -> None:
    shown = await desk.show(desk.issuer.token())
    assert shown.code == 0
    assert shown.line("issuer") == "issuer not checked no configuration was given"
    assert shown.line("expiry") == "expiry pass"
    assert "with --config the rest is judged" in shown.out
    assert not desk.issuer.requests


async def test_offline_nothing_is_fetched_and_it_says_what_was_not_checked(desk: Desk) -> None:
    shown = await desk.show(tokens.tampered(desk.issuer.token()), *desk.configure(), "--offline")
    assert shown.code == 0
    assert shown.out.endswith("\nnothing speaks against it; not checked: key, signature\n")
    assert not desk.issuer.requests


async def test_offline_a_key_file_is_used(desk: Desk) -> None:
    (desk.folder / "keys.json").write_bytes(as_jwks(desk.issuer.key))
    options = [*desk.configure("keys: {file: keys.json}"), "--offline"]
    assert (await desk.show(desk.issuer.token(), *options)).code == 0
    assert (await desk.show(tokens.tampered(desk.issuer.token()), *options)).code == 1
    assert not desk.issuer.requests


async def test_an_unknown_issuer_is_refused_with_no_connection(desk: Desk) -> None:
    shown = await desk.show(desk.issuer.token({"iss": f"{desk.issuer.issuer}/"}), *desk.configure())
    assert shown.code == 1
    assert "the nearest is cluster-a" in shown.line("issuer")
    assert not desk.issuer.requests


async def test_keys_that_cannot_be_had_are_a_refusal_too(desk: Desk) -> None:
    desk.issuer.fault = "down"
    shown = await desk.show(desk.issuer.token(), *desk.configure())
    assert shown.code == 1
    assert shown.line("key").startswith("key refused keys_unavailable: FetchError")
    assert shown.out.endswith("\nrefused: issuer_unavailable, keys_unavailable\n")


async def test_what_only_the_running_service_knows_is_said_to_be_left_out(desk: Desk) -> None:
    terms = "allow_private_addresses: true, one_time_tokens: true, require_token_scope: true, max_token_age: 1h"
    shown = await desk.show(desk.issuer.token({"jti": "a", "scope": "reports:read"}), *desk.configure(terms))
    assert shown.code == 0
    assert shown.line("one_time").startswith("one_time not checked not asked here: ")
    assert shown.line("token_scope") == "token_scope pass for reports:read"
    assert shown.out.endswith("\nnothing speaks against it; not checked: one_time\n")


async def test_json_is_for_tools(desk: Desk) -> None:
    token = desk.issuer.token({"aud": "other"})
    shown = await desk.show(token, *desk.configure(), "--format", "json")
    told = shown.json
    assert shown.code == 1
    assert (told["sha256"], told["issuer"]) == (digest(token), "cluster-a")
    assert (told["refused"], told["code"], told["reason"]) == (True, "invalid_token", "audience")
    assert told["header"] == desk.issuer.header()
    assert told["claims"]["aud"] == "other"
    assert told["attributes"]["namespace"] == "analytics"
    by_name = {check["check"]: check for check in told["checks"]}
    assert by_name["audience"] == {
        "check": "audience",
        "result": "refused",
        "code": "invalid_token",
        "reason": "audience",
        "detail": "the token is for 'other'",
    }
    assert by_name["subject"] == {"check": "subject", "result": "pass", "code": None, "reason": None, "detail": ""}


async def test_json_of_a_good_token_and_of_none(desk: Desk) -> None:
    good = (await desk.show(desk.issuer.token(), *desk.configure(), "--format", "json")).json
    assert (good["refused"], good["code"], good["reason"]) == (False, None, None)
    none = (await desk.show("hunter2", "--format", "json")).json
    assert (none["refused"], none["reason"]) == (True, "malformed_token")
    assert (none["header"], none["claims"], none["issuer"], none["attributes"]) == (None, None, None, None)


@pytest.mark.parametrize("form", ["text", "json"])
async def test_neither_token_nor_signature_is_ever_shown(desk: Desk, form: str) -> None:
    said = {"nested": {"list": [f"Bearer {NESTED}"]}, NESTED: 1, "aud": f"x {NESTED}"}
    generic = desk.configure("allow_private_addresses: true, attributes: {nested: [nested, list]}")
    for token in (desk.issuer.token(said), tokens.tampered(desk.issuer.token(said)), desk.issuer.token()):
        for options in ([], generic, [*generic, "--offline"]):
            shown = await desk.show(token, *options, "--format", form)
            for segment in (*token.split("."), *NESTED.split(".")):
                assert segment not in shown.out + shown.err


@pytest.mark.parametrize("form", ["text", "json"])
async def test_nothing_in_a_token_can_steer_a_terminal(desk: Desk, form: str) -> None:
    evil = "\x1b[2J\x1b]0;title\x07\r\n\x7f\x9b31m\u202e\u2028caf\u00e9\U0001f600"
    said = {"aud": [evil], evil: {evil: evil}, "scope": [evil], "sub": evil}
    terms = desk.configure("allow_private_addresses: true, require_token_scope: true")
    for token in (desk.issuer.token(said, {"kid": "key-1", "typ": "jwt", "x": evil}), desk.issuer.token({"iss": "x'"})):
        for options in ([], terms):
            shown = await desk.show(token, *options, "--format", form)
            assert not STEERING.search(shown.out + shown.err)


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n\t\r\n",
    "dots": b"...",
    "binary": bytes(range(256)) * 16,
    "null bytes": b"\0" * 1000,
    "huge": b"a" * 200_000,
    "huge segments": b"e30." * 50_000,
    "utf-16": "e30.e30.c2ln".encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbfe30.e30.c2ln",
    "deep claims": b"e30." + tokens.encode(b'{"a":' + b"[" * 8000 + b"]" * 8000 + b"}").encode() + b".c2ln",
    "a number without end": b"e30." + tokens.encode(b'{"exp":1' + b"0" * 9000 + b"}").encode() + b".c2ln",
    "infinity": b"e30." + tokens.encode(b'{"exp":1e999}').encode() + b".c2ln",
    "a lone surrogate": b"e30." + tokens.encode(b'{"a":"\\ud800"}').encode() + b".c2ln",
    "no object": b"e30." + tokens.encode(b"[1]").encode() + b".c2ln",
    "a secret": b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", HOSTILE)
async def test_whatever_a_file_holds_is_refused_without_a_traceback(desk: Desk, name: str, form: str) -> None:
    for options in ([], desk.configure()):
        shown = await desk.show(HOSTILE[name], *options, "--format", form)
        assert (shown.code, shown.err) == (1, "")
        assert "malformed_token" in shown.out
        assert "wJalr" not in shown.out
        assert not STEERING.search(shown.out)


async def test_white_space_around_a_token_is_no_part_of_it(desk: Desk) -> None:
    token = desk.issuer.token()
    shown = await desk.show(f"  {token}\r\n")
    assert shown.code == 0
    assert digest(token) in shown.out


@pytest.mark.parametrize(
    ("file", "why"),
    [("nothing", "No such file or directory"), (".", "Is a directory"), ("a\0b", "no path"), ("\x1b[2J", "No such")],
)
async def test_a_file_that_cannot_be_read_is_a_matter_of_usage(desk: Desk, file: str, why: str) -> None:
    shown = await desk.run(os.path.join(str(desk.folder), file))  # noqa: PTH118 - pathlib knows better than NUL
    assert (shown.code, shown.out) == (2, "")
    assert "cannot be read" in shown.err
    assert why in shown.err
    assert not STEERING.search(shown.err)


async def test_a_configuration_with_problems_is_told_as_check_tells_it(desk: Desk) -> None:
    path = desk.folder / "broken.yaml"
    path.write_text("version: 2\n")
    shown = await desk.show(desk.issuer.token(), "--config", str(path))
    assert (shown.code, shown.out) == (2, "")
    assert f"{path}:1:10: version" in shown.err


async def test_a_ca_file_that_holds_none_is_told_in_a_line(desk: Desk) -> None:
    for content in (None, "nothing"):
        if content:
            (desk.folder / "ca.pem").write_text(content)
        shown = await desk.show(desk.issuer.token(), *desk.configure("allow_private_addresses: true, ca_file: ca.pem"))
        assert (shown.code, shown.out) == (2, "")
        assert "ca.pem' holds no certificates that can be read" in shown.err


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["a", "--format", "xml"], ["a", "--config"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["token", *arguments])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: vendor ")


@pytest.mark.parametrize("arguments", [["{}"], ["--config", "{}", "a"], ["a", "{}"], ["--format", "{}", "a"]])
async def test_a_token_typed_where_a_file_belongs_is_not_repeated(desk: Desk, arguments: list[str]) -> None:
    token = desk.issuer.token()
    command = [sys.executable, "-m", "vendor.cli", "token", *(argument.format(token) for argument in arguments)]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert token.split(".")[2] not in done.stderr
    assert "Traceback" not in done.stderr


def run(*arguments: str, given: bytes | None) -> subprocess.CompletedProcess[bytes]:
    closed = "exec 0<&-; " if given is None else ""
    command = f'{closed}exec "$@"'
    return subprocess.run(  # noqa: S603 - our own program
        ["/bin/sh", "-c", command, "sh", sys.executable, "-m", "vendor.cli", "token", *arguments],
        input=given or b"",
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )


async def test_a_token_may_come_on_standard_input(issuer: Issuer) -> None:
    token = issuer.token()
    done = await asyncio.to_thread(run, "-", given=token.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert digest(token).encode() in done.stdout


def test_a_closed_standard_input_is_told_in_a_line() -> None:
    done = run("-", given=None)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"vendor: - cannot be read: Bad file descriptor\n"


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_whose_owner_wants_it(
    tmp_path: Path,
    environ: dict[str, str],
    coloured: bool,  # noqa: FBT001
) -> None:
    (tmp_path / "token").write_text("hunter2")
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    command = [sys.executable, "-m", "vendor.cli", "token", str(tmp_path / "token")]
    with subprocess.Popen(command, cwd=ROOT, stdout=theirs, env={**kept, "TERM": "xterm", **environ}) as process:  # noqa: S603
        os.close(theirs)
        out = os.read(ours, 65_536)
    os.close(ours)
    assert process.returncode == 1
    assert (b"\x1b[31mrefused" in out) is coloured


async def test_there_is_no_colour_in_a_pipe(desk: Desk) -> None:
    assert "\x1b" not in (await desk.show(desk.issuer.token())).out


def test_whatever_is_not_printable_ascii_is_escaped() -> None:
    assert terminal.plain("a\x1b\n\x7f\x9b\u202e\U0001f600\udcff~ ") == r"a\x1b\n\x7f\x9b\u202e\U0001f600\udcff~ "
