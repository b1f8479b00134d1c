from __future__ import annotations

import http.client
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.conftest import ROOT
from tests.client.service import SECRET, TOKEN, Service, golden, refused, vended
from vendor.client.execution import CLEARED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Vend = Callable[..., subprocess.CompletedProcess[str]]

EXEC = ("exec", "reports:read", "--")
FETCH = """
import json, os, sys, urllib.request
token = open(os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read()
request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": token})
print(urllib.request.urlopen(request).read().decode())
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def start(environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `vend exec` and leaves it running for the test to look at."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*command: str, **more: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "vendor.client", *EXEC, *command],
            env={"PATH": os.defpath, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), **environ},
            cwd=ROOT,
            bufsize=0,  # what was read ahead would not be waited for
            **{"stdout": subprocess.PIPE, **more},
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


def first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    late = threading.Timer(60, process.kill)
    late.start()
    try:
        return process.stdout.readline().decode().strip()
    finally:
        late.cancel()


def test_a_command_finds_an_endpoint_that_has_its_credentials(vend: Vend, service: Service) -> None:
    done = vend(*EXEC, sys.executable, "-c", FETCH)
    assert (done.returncode, done.stderr) == (0, "")
    answered = json.loads(done.stdout)
    assert (answered["Code"], answered["SecretAccessKey"]) == ("Success", SECRET)
    assert len(service.asked) == 1


def test_parameters_and_duration_are_asked_for(vend: Vend, service: Service) -> None:
    vend("exec", "--param", "month=2026-03", "reports:read", "--duration", "1h", "--", "true")
    assert json.loads(service.asked[0].body) == {"parameters": {"month": "2026-03"}, "duration_seconds": 3600}


def test_the_words_behind_the_dashes_are_the_commands_own(vend: Vend) -> None:
    done = vend(*EXEC, "printf", "%s|", "--url", "-h", "--", "a b", "$HOME", "")
    assert done.stdout == "--url|-h|--|a b|$HOME||"


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_is_the_commands(vend: Vend, code: int) -> None:
    assert vend(*EXEC, "/bin/sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_signals_end_is_counted_as_shells_do(vend: Vend, number: int) -> None:
    assert vend(*EXEC, "/bin/sh", "-c", f"kill -{number:d} $$").returncode == 128 + number


@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [("nonesuch", 127, "no such command"), ("/nonexistent/x", 127, "No such file"), ("/tmp", 126, "Permission denied")],  # noqa: S108
)
def test_what_cannot_be_run_is_told(vend: Vend, tmp_path: Path, command: str, code: int, reason: str) -> None:
    done = vend(*EXEC, command, TMPDIR=str(tmp_path))
    assert done.returncode == code
    assert done.stderr.startswith(f"vend: {command}: {reason}")
    assert not list(tmp_path.glob("vend-*"))


def test_nothing_is_run_without_credentials(vend: Vend, service: Service, tmp_path: Path) -> None:
    service.then(refused(403, "access_denied", "this identity may not have this scope"))
    done = vend(*EXEC, "/usr/bin/touch", str(tmp_path / "ran"))
    assert done.returncode == 1
    assert done.stderr == "vend: access_denied: this identity may not have this scope (request req-7)\n"
    away = ("exec", "reports:read", "--url", "http://127.0.0.1:1", "--timeout", "1s", "--")
    assert vend(*away, "/usr/bin/touch", str(tmp_path / "ran")).returncode == 3
    assert not (tmp_path / "ran").exists()


def test_nothing_that_sdks_would_rather_use_is_passed_on(vend: Vend) -> None:
    done = vend(*EXEC, "/usr/bin/env", **dict.fromkeys(CLEARED, "CANARY"), AWS_REGION="eu-west-1")
    assert "CANARY" not in done.stdout
    assert "AWS_REGION=eu-west-1" in done.stdout.splitlines()
    assert "AWS_EC2_METADATA_DISABLED=true" in done.stdout.splitlines()
    (line,) = done.stderr.splitlines()
    assert line.startswith("vend: not passed on")
    for name in CLEARED:
        assert name in line


def test_keys_in_the_default_profile_are_hidden(vend: Vend, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]\naws_access_key_id = AKIACANARY\n")
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = eu-west-1\ncredential_process = /bin/false\n")
    done = vend(*EXEC, "/bin/sh", "-c", 'cat "$AWS_SHARED_CREDENTIALS_FILE"; echo "read"')
    assert done.stdout == "read\n"
    assert "hidden, as SDKs would use its profile [default]" in done.stderr
    assert f"the profile [default] of {tmp_path}/.aws/config tells of other credentials" in done.stderr


def test_other_profiles_stay_in_sight(vend: Vend, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[other]\naws_access_key_id = AKIACANARY\n")
    done = vend(*EXEC, "/bin/sh", "-c", 'echo "${AWS_SHARED_CREDENTIALS_FILE-unset}"')
    assert (done.stdout, done.stderr) == ("unset\n", "")


@pytest.mark.parametrize(
    ("given", "bypassed"),
    [
        ({}, "unset"),
        ({"HTTP_PROXY": "http://proxy"}, "127.0.0.1,localhost"),
        ({"https_proxy": "http://proxy", "NO_PROXY": "a.example"}, "a.example,127.0.0.1,localhost"),
    ],
)
def test_a_proxy_is_kept_from_the_endpoint(vend: Vend, given: dict[str, str], bypassed: str) -> None:
    done = vend(*EXEC, "/bin/sh", "-c", 'echo "${NO_PROXY-unset} ${no_proxy-unset}"', **given)
    assert done.stdout == f"{bypassed} {bypassed}\n"


def test_the_endpoint_wants_its_token(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = start("/bin/sh", "-c", 'echo "$AWS_CONTAINER_CREDENTIALS_FULL_URI"; cat', stdin=subprocess.PIPE)
    where, path = re.fullmatch(r"http://(127\.0\.0\.1:\d+)(/.*)", first_line(process)).groups()  # type: ignore[union-attr]
    for headers in ({}, {"Authorization": "guess"}, {"Authorization": TOKEN}):
        connection = http.client.HTTPConnection(where)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert answer.status == 401
        assert SECRET not in answer.read().decode()
        connection.close()


@linux
def test_no_secret_is_in_the_environment_or_the_arguments_of_any_process(
    start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = start(
        sys.executable, "-c", f"{FETCH}\nprint(os.getpid(), flush=True)\nsys.stdin.read()", stdin=subprocess.PIPE
    )
    document = json.loads(first_line(process))
    child = int(first_line(process))
    for pid in (process.pid, child):
        for name in ("environ", "cmdline"):
            content = Path(f"/proc/{pid}/{name}").read_bytes().decode()
            assert content
            for secret in (document["SecretAccessKey"], document["Token"], document["AccessKeyId"], TOKEN):
                assert secret not in content
    environ = dict(each.split("=", 1) for each in Path(f"/proc/{child}/environ").read_text().split("\0") if "=" in each)
    file = Path(environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
    local = file.read_text()
    assert local not in " ".join(environ.values())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert file.parent.parent == tmp_path
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM
    assert not file.parent.exists()


def test_tools_that_read_no_file_get_the_token_by_a_variable_when_told_to(vend: Vend) -> None:
    show = 'echo "${AWS_CONTAINER_AUTHORIZATION_TOKEN-unset}"; cat "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"'
    assert vend(*EXEC, "/bin/sh", "-c", show).stdout.startswith("unset\n")
    done = vend("exec", "reports:read", "--token-in-environment", "--", "/bin/sh", "-c", show)
    variable, file = done.stdout.splitlines()
    assert variable == file != ""


def test_it_renews_while_the_command_runs(vend: Vend, service: Service) -> None:
    soon = f"{datetime.now(UTC) + timedelta(seconds=-1):%Y-%m-%dT%H:%M:%SZ}"
    service.then(vended(AccessKeyId="ASIA1", RefreshAfter=soon), vended(AccessKeyId="ASIA2"))
    script = (
        FETCH.replace("print(", "fetch = lambda: print(")
        + "\nimport time\nfetch(); time.sleep(1.2); fetch(); time.sleep(.5); fetch()"
    )
    done = vend(*EXEC, sys.executable, "-c", script)
    keys = [json.loads(line)["AccessKeyId"] for line in done.stdout.splitlines()]
    assert keys[0] == "ASIA1"
    assert keys[-1] == "ASIA2"


TRAP = """
for name in TERM HUP INT QUIT USR1 USR2; do trap "echo $name; exit 3" $name; done
echo ready
while :; do sleep 0.05; done
"""


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "QUIT", "USR1", "USR2"])
def test_signals_are_passed_on(start: Callable[..., subprocess.Popen[bytes]], name: str) -> None:
    process = start("/bin/bash", "-c", TRAP, start_new_session=True)
    assert first_line(process) == "ready"
    process.send_signal(getattr(signal, f"SIG{name}"))
    assert first_line(process) == name
    assert process.wait(20) == 3


@linux
def test_the_commands_own_signals_are_as_they_were(vend: Vend) -> None:
    status = vend(*EXEC, "/bin/cat", "/proc/self/status").stdout
    sets = {name: int(value, 16) for name, value in re.findall(r"^Sig(Blk|Ign):\s*([0-9a-f]+)$", status, re.MULTILINE)}
    # 32 and 33 are the C library's own, which its posix_spawn ignores.
    assert {name: value & 0x7FFF_FFFF for name, value in sets.items()} == {"Blk": 0, "Ign": 0}


@linux
def test_a_terminals_ctrl_c_reaches_the_command_once(environ: dict[str, str], tmp_path: Path) -> None:
    script = "import signal, time\ncount = 0\ndef told(*_):\n    global count\n    count += 1\n"
    script += "signal.signal(signal.SIGINT, told)\nprint('ready', flush=True)\ntime.sleep(1)\nprint('count', count)\n"
    with _terminal(environ, tmp_path, sys.executable, "-c", script) as (terminal, pid):
        assert _until(terminal, b"ready")
        os.write(terminal, b"\x03")
        assert b"count 1" in _until(terminal, b"count 1")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@linux
def test_a_shell_in_it_can_be_suspended_and_taken_up_again(environ: dict[str, str], tmp_path: Path) -> None:
    """What `suspend` in an inner shell stops, the outer one must see as stopped, and `fg` must take up."""
    with _terminal(environ, tmp_path, "/bin/bash", "--norc", "-i") as (terminal, pid):
        os.write(terminal, b"echo in''side\n")
        assert _until(terminal, b"inside")
        os.write(terminal, b"suspend -f\n")
        found, status = _waited(pid)
        assert (found, os.WIFSTOPPED(status)) == (pid, True)
        os.kill(pid, signal.SIGCONT)
        os.write(terminal, b"echo a''gain\n")
        assert _until(terminal, b"again")
        os.write(terminal, b"exit 5\n")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5


class _terminal:  # noqa: N801  # used as a function
    """Runs `vend exec` at the head of a terminal of its own."""

    def __init__(self, environ: dict[str, str], home: Path, *command: str) -> None:
        self._command = [sys.executable, "-m", "vendor.client", *EXEC, *command]
        self._environ = {"PATH": os.defpath, "HOME": str(home), "TERM": "dumb", "PYTHONPATH": str(ROOT), **environ}

    def __enter__(self) -> tuple[int, int]:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execve(self._command[0], self._command, self._environ)  # noqa: S606
        return self._terminal, self._pid

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._terminal)


def _until(terminal: int, wanted: bytes) -> bytes:
    came, until = b"", time.monotonic() + 15
    while wanted not in came:
        assert select.select([terminal], [], [], max(0.0, until - time.monotonic()))[0], came
        came += os.read(terminal, 4096)
    return came


def _waited(pid: int) -> tuple[int, int]:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if found:
            return found, status
        time.sleep(0.02)
    return 0, 0


def test_boto3_signs_with_what_the_endpoint_answers(vend: Vend, tmp_path: Path) -> None:
    script = "import boto3; c = boto3.Session().get_credentials(); print(c.method, c.access_key, c.token)"
    done = vend(*EXEC, sys.executable, "-c", script)
    expected = golden()
    assert done.stdout == f"container-role {expected['AccessKeyId']} {expected['Token']}\n", done.stderr


@pytest.mark.skipif(os.geteuid() != 0 or which("unshare") is None, reason="needs root and a process namespace")
def test_as_the_first_process_of_a_container_it_buries_the_dead(environ: dict[str, str], tmp_path: Path) -> None:
    script = "(sleep 0.1 &); (sleep 0.1 &); sleep 0.6; grep -l '(sleep) Z' /proc/[0-9]*/stat; echo done"
    namespace = ["unshare", "--fork", "--pid", "--mount-proc"]
    done = subprocess.run(  # noqa: S603
        [*namespace, sys.executable, "-m", "vendor.client", *EXEC, "/bin/sh", "-c", script],
        env={"PATH": os.defpath, "HOME": str(tmp_path), **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_a_command_whose_end_was_told_to_another_thread_is_noticed_all_the_same() -> None:
    ended = (
        "import os, signal, threading, time\n"
        "from vendor.client import execution\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()  # it leaves no signal to us\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})\n"
        "signal.signal(signal.SIGCHLD, lambda *_: None)\n"
        "pid = os.posix_spawn('/bin/true', ['true'], {})\n"
        "time.sleep(0.5)  # it ends before we wait for its end\n"
        "print(execution._attend(pid), flush=True)\n"
        "os._exit(0)\n"
    )
    command = [sys.executable, "-c", ended]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)  # noqa: S603
    assert done.stdout == "0\n", done.stderr
