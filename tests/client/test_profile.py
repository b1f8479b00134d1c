from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from configparser import RawConfigParser
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import ROOT
from tests.client.service import SECRET, Service, golden, raw, refused, vended
from vendor.client import UsageError
from vendor.client.alone import alone
from vendor.client.credentials import read_credentials
from vendor.client.profile import edit, has_keys, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Vend = Callable[..., subprocess.CompletedProcess[str]]

LINES = ["aws_access_key_id = NEW", "vendor_expiration = 2026-03-01T00:00:00Z"]
WRITTEN = "".join(f"{line}\n" for line in LINES)
CREDENTIALS = read_credentials(golden(), now=datetime.now(UTC))
OTHERS = """\
# mine
[default]
aws_access_key_id = AKIA1  ; inline
aws_secret_access_key=abc

[ other ]
region = eu-west-1
s3 =
  max_concurrent_requests = 20
"""


def at(**when: float) -> str:
    return f"{datetime.now(UTC) + timedelta(**when):%Y-%m-%dT%H:%M:%SZ}"


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 15
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"[p]\n{WRITTEN}"),
        (OTHERS, f"{OTHERS}\n[p]\n{WRITTEN}"),
        ("[a]\nx = 1", f"[a]\nx = 1\n\n[p]\n{WRITTEN}"),
        ("[p]\n", f"[p]\n{WRITTEN}"),
        (f"[p]\n{WRITTEN}", f"[p]\n{WRITTEN}"),
        ("[p]  # c\n# mine\nregion = x\n\n[q]\ny = 1\n", f"[p]  # c\n{WRITTEN}# mine\nregion = x\n\n[q]\ny = 1\n"),
        (
            "[p]\nAWS_ACCESS_KEY_ID: OLD\nvendor_expiration = x\naws_session_token = a\n  b\n c\nregion = x\n s = 1\n",
            f"[p]\n{WRITTEN}region = x\n s = 1\n",
        ),
        ("[ p ]\r\nregion = x\r\n", f"[ p ]\r\n{WRITTEN}region = x\r\n"),
        ("[q]\n# a\u2028b\nx = 1\x0c2\x85\n", f"[q]\n# a\u2028b\nx = 1\x0c2\x85\n\n[p]\n{WRITTEN}"),
        ("[q]\rx = 1\r[p]\ry = 2\r", f"[q]\rx = 1\r[p]\r{WRITTEN}y = 2\r"),
        ("[p-other]\nx = 1\n", f"[p-other]\nx = 1\n\n[p]\n{WRITTEN}"),
    ],
)
def test_the_profile_alone_is_changed(before: str, after: str) -> None:
    assert edit(before, "p", LINES) == after
    assert edit(after, "p", LINES) == after


def test_keys_that_somebody_else_wrote_are_not_lost() -> None:
    with pytest.raises(UsageError, match="holds keys that vend did not write"):
        edit(OTHERS, "default", LINES)


def test_a_profile_that_stands_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="stands twice"):
        edit("[p]\n[q]\n[p]\n", "p", LINES)


@pytest.mark.parametrize("profile", ["", " p", "p ", "a]b", "[a", "a\nb", "a\x00"])
def test_a_name_that_no_profile_has_is_refused(profile: str) -> None:
    with pytest.raises(UsageError, match="no profile has this name"):
        edit("", profile, LINES)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("aws_access_key_id = x", True),
        ("AWS_ACCESS_KEY_ID=x", True),
        ("credential_process = x", True),
        ("sso_session = x", True),
        ("role_arn = x", True),
        ("region = x", False),
        ("# aws_access_key_id = x", False),
        ("", False),
    ],
)
def test_whether_a_profile_tells_of_credentials(tmp_path: Path, line: str, told: bool) -> None:  # noqa: FBT001  # a table
    path = tmp_path / "file"
    path.write_text(f"[other]\naws_access_key_id = x\n[default]\n{line}\n[last]\naws_access_key_id = x\n")
    assert has_keys(path, "default") is told
    assert not has_keys(tmp_path / "nothing", "default")
    path.write_bytes(b"[default]\naws_access_key_id = \xff\n")
    assert not has_keys(path, "default")


def test_a_profile_is_written_once(inside: Vend, tmp_path: Path) -> None:
    done = inside("file", "reports:read", "--profile", "reports", "--once")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    path = tmp_path / ".aws" / "credentials"
    parser = RawConfigParser()
    parser.read(path)
    document = golden()
    assert parser["reports"]["aws_access_key_id"] == document["AccessKeyId"]
    assert parser["reports"]["aws_secret_access_key"] == SECRET
    assert parser["reports"]["aws_session_token"] == document["Token"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["credentials"]


def test_a_link_stays_a_link_and_its_file_becomes_private(inside: Vend, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(OTHERS.replace("\n", "\r\n").encode())
    (tmp_path / "real").chmod(0o644)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert inside("file", "a", "--profile", "p", "--once", "--path", str(tmp_path / "link")).returncode == 0
    assert (tmp_path / "link").is_symlink()
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o600
    assert (tmp_path / "real").read_bytes().startswith(OTHERS.replace("\n", "\r\n").encode())


@pytest.mark.parametrize(
    ("content", "reason"), [(b"[p]\naws_access_key_id = AKIA\n", "did not write"), (b"\xff", "it is not UTF-8")]
)
def test_a_file_that_cannot_be_changed_stays(inside: Vend, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    done = inside("file", "a", "--profile", "p", "--once", AWS_SHARED_CREDENTIALS_FILE=str(path))
    assert done.returncode == 2
    assert reason in done.stderr
    assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".file")] == []


@pytest.mark.parametrize(
    ("more", "arguments", "reason"),
    [
        ({"HOME": ""}, [], "name the file: --path, or set HOME"),
        ({}, ["--path", "/proc/nothing"], "/proc/nothing cannot be written"),
        ({"HOME": "/dev/null"}, [], "/dev/null/.aws/credentials cannot be written: Not a directory"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_told(
    inside: Vend, more: dict[str, str], arguments: list[str], reason: str
) -> None:
    done = inside("file", "a", "--profile", "p", "--once", *arguments, **more)
    assert done.returncode == 2
    assert reason in done.stderr


def test_many_who_write_into_one_file_lose_nobody_s_profile(tmp_path: Path) -> None:
    def run(name: str) -> None:
        write(tmp_path / "file", name, CREDENTIALS)

    names = [f"p{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, names))
    parser = RawConfigParser()
    parser.read(tmp_path / "file")
    assert sorted(parser.sections()) == sorted(names)


def test_one_who_holds_the_folder_for_ever_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendor.client.profile._PATIENCE", 0.1)
    with alone(tmp_path, os.O_RDONLY, patience=0):
        write(tmp_path / "file", "p", CREDENTIALS)
    assert "[p]" in (tmp_path / "file").read_text()


@pytest.mark.skipif(
    not hasattr(os, "O_PATH"), reason="only Linux opens a folder so that it cannot be locked, as on NFS"
)
def test_a_folder_that_cannot_be_locked_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    with alone(tmp_path, os.O_PATH, patience=20):
        pass
    assert time.monotonic() - began < 10


def test_what_a_run_left_that_was_killed_is_in_nobody_s_way(tmp_path: Path) -> None:
    (tmp_path / f".file.{os.getpid()}").write_text("half")
    write(tmp_path / "file", "p", CREDENTIALS)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_refusal_at_the_start_ends_it(inside: Vend, service: Service, tmp_path: Path) -> None:
    service.then(refused(403, "access_denied"))
    assert inside("file", "a", "--profile", "p").returncode == 1
    assert not (tmp_path / ".aws").exists()


@pytest.fixture
def keeping(environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def start(timeout: str = "1s") -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "vendor.client", "file", "a", "--profile", "p", "--timeout", timeout],
            env={"PATH": os.defpath, "HOME": str(tmp_path), **environ},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=20)


def test_it_is_kept_fresh_until_it_is_told_to_end(
    keeping: Callable[[], subprocess.Popen[str]], service: Service, tmp_path: Path
) -> None:
    path = tmp_path / ".aws" / "credentials"
    service.then(vended(AccessKeyId="ASIA1", RefreshAfter=at(seconds=-1)), vended(AccessKeyId="ASIA2"))
    process = keeping()
    eventually(lambda: path.exists() and "ASIA2" in path.read_text())
    assert len(service.asked) == 2
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert err.startswith(f"vend: profile p of {path} is kept fresh; it ends ")


def test_it_ends_at_once_also_while_it_asks_for_the_first_time(
    keeping: Callable[..., subprocess.Popen[str]], service: Service, tmp_path: Path
) -> None:
    service.then(lambda _: time.sleep(3))
    process = keeping("30s")
    eventually(lambda: bool(service.asked))
    process.send_signal(signal.SIGTERM)
    assert process.wait(2.5) == 128 + signal.SIGTERM
    assert not (tmp_path / ".aws").exists()


def test_an_outage_is_told_and_sat_out(
    keeping: Callable[[], subprocess.Popen[str]], service: Service, tmp_path: Path
) -> None:
    service.then(vended(RefreshAfter=at(seconds=-1)), raw())
    process = keeping()
    assert process.stderr
    process.stderr.readline()
    assert "closed before the answer was whole; what stands in" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert "ASIA" in (tmp_path / ".aws" / "credentials").read_text()


def test_who_may_not_have_it_any_more_is_told_by_the_end(
    keeping: Callable[[], subprocess.Popen[str]], service: Service
) -> None:
    service.then(vended(RefreshAfter=at(seconds=-1)), refused(403, "revoked", "stopped"))
    process = keeping()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert err.splitlines()[-1] == "vend: revoked: stopped (request req-7)"


def test_boto3_reads_the_profile(inside: Vend, tmp_path: Path) -> None:
    inside("file", "a", "--profile", "reports", "--once")
    done = subprocess.run(
        [sys.executable, "-c", "import boto3; print(boto3.Session().get_credentials().access_key)"],
        env={"PATH": os.defpath, "HOME": str(tmp_path), "AWS_PROFILE": "reports"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "ASIAIOSFODNN7EXAMPLE\n", done.stderr
