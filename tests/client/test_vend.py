from __future__ import annotations

import io
import json
import os
import pty
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from importlib.metadata import version
from typing import IO, TYPE_CHECKING, Any

import pytest

from tests.client.conftest import ROOT, Patient
from tests.client.service import SECRET, TOKEN, Handler, Service, answered, golden, raw, refused, vended
from vendor.client import Client, Unreachable
from vendor.client.command import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Vend = Callable[..., subprocess.CompletedProcess[str]]


def test_get_prints_the_answer_as_one_line_of_json(vend: Vend, service: Service) -> None:
    document = golden()
    service.then(answered(200, document))
    done = vend("get", "reports:read", "--param", "month=2026-03", "--parameter", "team=a=b", "--duration", "1h")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout) == document
    wanted = {"parameters": {"month": "2026-03", "team": "a=b"}, "duration_seconds": 3600}
    assert json.loads(service.asked[0].body) == wanted


def test_get_prints_a_line_for_each_member_on_a_terminal(environ: dict[str, str], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        try:
            command = [sys.executable, "-m", "vendor.client", "get", "reports:read"]
            env = {"PATH": os.defpath, "HOME": str(tmp_path), **environ}
            subprocess.run(command, env=env, cwd=ROOT, stdout=theirs, timeout=30, check=True)  # noqa: S603
            text = terminal.read(65_536).decode()
        finally:
            os.close(theirs)
    assert text.startswith('{\r\n  "Code": "Success",\r\n')


def test_env_prints_lines_that_a_shell_takes_as_values(vend: Vend, service: Service, tmp_path: Path) -> None:
    hostile = f"'; touch {tmp_path}/pwned; $(touch {tmp_path}/pwned) `touch {tmp_path}/pwned` \\"
    service.then(vended(Token=hostile))
    done = vend("env", "reports:read")
    assert done.returncode == 0
    script = f"{done.stdout}\nprintenv AWS_SESSION_TOKEN AWS_SECRET_ACCESS_KEY"
    shown = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert shown.stdout == f"{hostile}\n{SECRET}\n"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(("shell", "start"), [("fish", "set -gx AWS_ACCESS"), ("powershell", "$env:AWS_ACCESS")])
def test_env_speaks_other_shells(vend: Vend, shell: str, start: str) -> None:
    assert vend("env", "reports:read", "--shell", shell).stdout.startswith(start)


def test_process_prints_what_sdks_want_of_a_credential_process(vend: Vend, service: Service) -> None:
    document = golden()
    service.then(answered(200, document))
    done = vend("process", "reports:read")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "Version": 1,
        "AccessKeyId": document["AccessKeyId"],
        "SecretAccessKey": document["SecretAccessKey"],
        "SessionToken": document["Token"],
        "Expiration": document["Expiration"],
        "AccountId": "111122223333",
    }


def test_process_leaves_out_an_account_that_was_not_named(vend: Vend, service: Service) -> None:
    service.then(vended(AccountId=None))
    assert "AccountId" not in json.loads(vend("process", "reports:read").stdout)


@pytest.mark.parametrize("command", ["get", "env", "process"])
def test_a_refusal_is_exit_1_and_one_line_on_stderr(vend: Vend, service: Service, command: str) -> None:
    service.then(refused(403, "access_denied", "this identity may not have this scope"))
    done = vend(command, "reports:read")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "vend: access_denied: this identity may not have this scope (request req-7)\n"


def test_a_service_that_stays_busy_is_a_refusal_and_not_out_of_reach(vend: Vend, service: Service) -> None:
    service.then(refused(503, "sts_unavailable", Retry_After="30"))
    done = vend("get", "reports:read")
    assert done.returncode == 1
    assert "sts_unavailable" in done.stderr


def test_a_service_out_of_reach_is_exit_3(vend: Vend, service: Service) -> None:
    with Service() as gone:
        url = gone.url
    done = vend("get", "reports:read", "--url", url, "--timeout", "1s")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"vend: cannot reach {url}: Connection refused\n"


def test_where_nothing_listens_it_gives_up_before_anybody_takes_it_for_hung(
    environ: dict[str, str], clock: Patient
) -> None:
    with Service() as gone:
        url = gone.url
    for timeout, least, most in ((None, 0, 2), (30, 28, 30)):
        clock.seconds = 0
        with pytest.raises(Unreachable):
            Client(url, timeout=timeout, environ=environ, clock=clock).scopes()
        assert least <= clock.seconds <= most


def test_its_version_is_the_distributions(vend: Vend, tmp_path: Path) -> None:
    done = vend("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"vend {version('credential-vendor')}\n", "")
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as found\ndef none(name): raise found.PackageNotFoundError\nfound.version = none\n"
    )
    assert vend("--version", PYTHONPATH=str(tmp_path)).stdout == "vend, not installed\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "required: COMMAND"),
        (["exchange", "reports:read"], "invalid choice"),
        (["exec", "reports:read"], "name the command to run behind --"),
        (["exec", "reports:read", "--"], "name the command to run behind --"),
        (["exec", "reports:read", "aws", "s3", "ls"], "name the command to run behind --"),
        (["exec", "reports:read", "more", "--", "true"], "unrecognized arguments"),
        (["get", "reports:read", "more"], "unrecognized arguments"),
        (["get", "reports:read", "--token", "x"], "unrecognized arguments"),
        (["get", "a", "--param", "month"], "--param reads NAME=VALUE"),
        (["get", "a", "--param", "=x"], "--param reads NAME=VALUE"),
        (["get", "a", "--param", "x=1", "--param", "x=1"], "--param x is given twice"),
        (["get", "a", "--duration", "1 day"], "a duration reads"),
        (["get", "a", "--duration", "0"], "a duration reads"),
        (["get", "a", "--duration", "-1h"], "expected one argument"),
        (["get", "a", "--timeout", "\u0661"], "a duration reads"),
        (["get", "a", "--shell", "fish"], "unrecognized arguments"),
        (["env", "a", "--shell", "tcsh"], "invalid choice"),
        (["get", "a", "--url", "http://vendor.example"], "must not travel in clear: use https"),
        (["get", "a", "--token-file", "/nonexistent"], "the token file /nonexistent cannot be read"),
        (["get", "A b"], "no scope has this name"),
    ],
)
def test_what_cannot_be_asked_is_exit_2_and_nothing_is_sent(
    environ: dict[str, str], service: Service, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    try:
        code: Any = main(arguments, environ=environ)
    except SystemExit as exc:
        code = exc.code
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert reason in captured.err
    assert not service.asked


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "a", "--token", TOKEN],
        ["get", "a", TOKEN],
        ["get", TOKEN],
        [TOKEN],
        ["get", "a", "--token-file", TOKEN],
        ["get", "a", "--param", TOKEN],
        ["get", "a", "--url", f"https://{TOKEN}:x@vendor.example"],
        ["env", "a", "--shell", TOKEN],
    ],
)
def test_a_token_typed_in_the_wrong_place_is_not_repeated(
    environ: dict[str, str], service: Service, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    try:
        code: Any = main(arguments, environ=environ)
    except SystemExit as exc:
        code = exc.code
    captured = capsys.readouterr()
    assert code == 2
    assert TOKEN[:20] not in captured.out + captured.err
    assert not service.asked


@pytest.mark.parametrize(
    ("text", "seconds"), [("900", 900), ("900s", 900), ("15m", 900), ("1h", 3600), ("12h", 43_200)]
)
def test_a_duration_is_asked_for_in_seconds(environ: dict[str, str], service: Service, text: str, seconds: int) -> None:
    assert main(["get", "a", "--duration", text], environ=environ) == 0
    assert json.loads(service.asked[0].body)["duration_seconds"] == seconds


def test_the_options_go_before_the_environment(service: Service, token_file: Path) -> None:
    environ = {"VENDOR_URL": "https://other.example", "VENDOR_TOKEN": "eyJv.eyJv.b3", "VENDOR_SCOPE": "other"}
    options = ["--url", service.url, "--token-file", str(token_file)]
    assert main(["process", "reports:read", *options], environ=environ) == 0
    assert service.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert main(["env", *options], environ=environ) == 0
    assert service.asked[1].target == "/v1/credentials/other"


def test_help_tells_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for word in ("get", "env", "process", "exec", "agent", "3 the service cannot be reached"):
        assert word in text


def test_an_interruption_is_quiet(environ: dict[str, str], service: Service, tmp_path: Path) -> None:
    running: list[subprocess.Popen[str]] = []

    def interrupt(handler: Handler) -> None:
        running[0].send_signal(signal.SIGINT)
        handler.rfile.read(1)  # until the caller hangs up

    service.then(interrupt)
    command = [sys.executable, "-m", "vendor.client", "get", "reports:read"]
    env = {"PATH": os.defpath, "HOME": str(tmp_path), **environ}
    read, write = os.pipe()
    # The program waits in this pipe for its token, so that it asks only when its process is known here.
    env["VENDOR_TOKEN_FILE"] = f"/dev/fd/{read}"
    with subprocess.Popen(  # noqa: S603
        command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[read]
    ) as process:
        running.append(process)
        os.close(read)
        with os.fdopen(write, "w") as pipe:
            pipe.write(TOKEN)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


def test_an_interruption_in_process_is_130(environ: dict[str, str], service: Service) -> None:
    def interrupt(handler: Handler) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        handler.rfile.read(1)

    service.then(interrupt)
    assert main(["get", "reports:read"], environ=environ) == 130


def _get_into(output: int | IO[str], environ: dict[str, str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run `vend get` with its output going there."""
    return subprocess.run(
        [sys.executable, "-m", "vendor.client", "get", "reports:read"],
        env={"PATH": os.defpath, "HOME": str(home), **environ},
        cwd=ROOT,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_reader_that_went_away_is_quiet(environ: dict[str, str], tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = _get_into(write, environ, tmp_path)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_reader_that_went_away_leaves_an_output_that_takes_the_rest(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert main(["get", "reports:read"], environ=environ) == 141


def test_a_full_disk_is_told_without_a_traceback(environ: dict[str, str], tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        done = _get_into(full, environ, tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == "vend: the output cannot be written: No space left on device"


def test_a_defect_is_told_by_its_kind_alone(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    assert main(["get", "reports:read"], environ=environ) == 1
    assert capsys.readouterr().err == "vend: this should not have happened: ValueError\n"


@pytest.mark.parametrize(
    "step",
    [
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b"HTTP/9.9 999999 \xff\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nX-Request-Id: \xff\xfe\x1b[2J\r\n\r\n[]"),
        answered(403, b'{"code": "a", "message": "\\ud800", "request_id": "\\ud800"}'),
        vended(Token="\ud800"),
        answered(200, b'{"Expiration": NaN}'),
        answered(200, b'{"AccessKeyId": ' + b"9" * 10_000 + b"}"),
    ],
)
def test_no_answer_makes_a_traceback(vend: Vend, service: Service, step: Callable[[Handler], None]) -> None:
    service.then(step)
    done = vend("get", "reports:read", "--timeout", "1s")
    assert done.returncode in {1, 3}
    assert done.stderr.startswith("vend: ")
    assert done.stderr.count("\n") == 1
    assert "should not have happened" not in done.stderr
    assert done.stderr.strip().isprintable()


@pytest.mark.parametrize("module", ["vendor.client", "vendor.client.command"])
def test_it_runs_as_a_module(vend: Vend, module: str) -> None:
    assert vend("get", "reports:read", module=module).returncode == 0


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # it is imported above, for the others
@pytest.mark.parametrize("module", ["vendor.client", "vendor.client.command"])
def test_the_module_ends_with_the_exit_code(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["vend", "get", "reports:read", "--url", "ftp://vendor.example"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module(module, run_name="__main__")
    assert caught.value.code == 2


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one file, made as anyone would, from a copy: other tests read the tree at the same time."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "vendor" / "client", tree / "vendor" / "client")
    for name in ("vendor/__init__.py", "Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tree / name)
    subprocess.run(["make", "-s", "vend.pyz", f"PYTHON={sys.executable}"], cwd=tree, check=True)  # noqa: S603, S607
    return tree / "vend.pyz"


def test_it_works_as_one_file(environ: dict[str, str], pyz: Path, tmp_path: Path, service: Service) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-S", str(pyz), *words],
            env={"PATH": os.defpath, **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    done = run("get", "reports:read")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["Scope"] == "reports:read"
    service.then(refused(403, "access_denied"))
    assert run("get", "reports:read").returncode == 1
    assert run("--version").stdout == f"vend {version('credential-vendor')}\n"


LISTING = b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><KeyCount>3</KeyCount></ListBucketResult>'


def test_boto3_signs_with_what_process_prints(environ: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vendor.client", "process", "reports:read"]
    options = ["--url", environ["VENDOR_URL"], "--token-file", environ["VENDOR_TOKEN_FILE"]]
    config = tmp_path / "config"
    config.write_text(
        f"[profile reports]\nregion = eu-west-1\ncredential_process = {shlex.join([*command, *options])}\n"
    )
    script = (
        "import boto3, sys\n"
        "s3 = boto3.Session(profile_name='reports').client('s3', endpoint_url=sys.argv[1])\n"
        "print(s3.list_objects_v2(Bucket='bkt')['KeyCount'])\n"
    )
    with Service(answered(200, LISTING, Content_Type="application/xml")) as s3:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", script, s3.url],
            env={"PATH": os.defpath, "HOME": str(tmp_path), "AWS_CONFIG_FILE": str(config), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr
        signed = s3.asked[0].headers
    assert "Credential=ASIAIOSFODNN7EXAMPLE/" in signed["Authorization"]
    assert signed["X-Amz-Security-Token"] == "FwoGZXIvYXdzEXAMPLE//token=="
