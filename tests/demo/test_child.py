from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from vendor.demo.child import clean_environment, free_port, running, told_by
from vendor.demo.failure import DemoFailed

_STARTER = """
import asyncio, sys
from pathlib import Path
from vendor.demo.child import clean_environment, free_port, running

async def main():
    folder = Path(sys.argv[1])
    module = ["http.server", "--bind", "127.0.0.1", str(port := free_port())]
    python, environment = Path(sys.executable), clean_environment(home=folder)
    async with running(name="x", python=python, module=module, environment=environment, folder=folder) as c:
        await c.answers(f"http://127.0.0.1:{port}/")
        print(c.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def is_gone(pid: int) -> None:
    while is_running(pid):  # noqa: ASYNC110  # another process's end is no event here
        await asyncio.sleep(0.02)


def http_server(port: int) -> list[str]:
    return ["http.server", "--bind", "127.0.0.1", str(port)]


async def test_a_child_runs_while_entered_and_is_gone_afterwards(tmp_path: Path) -> None:
    port = free_port()
    async with running(
        name="files",
        python=Path(sys.executable),
        module=http_server(port),
        environment=clean_environment(home=tmp_path),
        folder=tmp_path,
    ) as child:
        await child.answers(f"http://127.0.0.1:{port}/")
        assert is_running(child.pid)
    assert not is_running(child.pid)


async def test_a_child_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _STARTER,
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert starter.stdout is not None
    pid = int(await starter.stdout.readline())
    assert is_running(pid)
    os.kill(starter.pid, signal.SIGKILL)
    await starter.wait()
    await asyncio.wait_for(is_gone(pid), timeout=10)


async def test_a_child_that_ends_too_soon_is_told_with_its_last_words(tmp_path: Path) -> None:
    async with running(
        name="cloud",
        python=Path(sys.executable),
        module=["no_such_module"],
        environment=clean_environment(home=tmp_path),
        folder=tmp_path,
    ) as child:
        with pytest.raises(DemoFailed, match=r"(?s)the cloud ended before it was ready:.*No module named"):
            await child.answers(f"http://127.0.0.1:{free_port()}/")


async def test_a_child_knows_nothing_of_the_users_aws_settings_and_proxies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "HTTP_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "the user's")
    program = tmp_path / "shows.py"
    program.write_text("import json, os; print(json.dumps(dict(os.environ)))")
    printed = await told_by(program=program, arguments=[], environment=clean_environment(home=tmp_path, MORE="1"))
    assert "the user's" not in printed
    assert '"MORE": "1"' in printed
    assert f'"HOME": "{tmp_path}"' in printed


async def test_a_program_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    program = tmp_path / "fails.py"
    program.write_text("raise SystemExit('the bucket has a hole')")
    with pytest.raises(DemoFailed, match=r"fails.py failed:\n    the bucket has a hole"):
        await told_by(program=program, arguments=[], environment=clean_environment(home=tmp_path))
