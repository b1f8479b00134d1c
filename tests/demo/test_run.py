from __future__ import annotations

import asyncio
import os
import shutil
import signal
import string
import sys
from importlib import resources
from pathlib import Path

import pytest

from vendor import config
from vendor.demo.world import EXTERNAL_ID, ROLE, SCOPE

_ROOT = Path(__file__).resolve().parents[2]
_DEMO = "import sys, vendor.demo; sys.exit(vendor.demo.run(once={once}))"


async def started(*arguments: str, **more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **more},
    )


async def told(program: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(program.communicate(), timeout=300)
    return program.returncode, out.decode(), err.decode()


async def test_without_the_extra_one_line_says_which_to_install() -> None:
    program = f"import sys; sys.path.append({str(_ROOT)!r}); {_DEMO.format(once=True)}"
    code, _, complained = await told(await started("-I", "-S", "-c", program))
    assert code == 1
    assert len(complained.splitlines()) == 1
    assert complained.startswith("vendor demo: pip install 'credential-vendor[demo]' brings what is missing: ")
    assert "boto3" in complained


async def test_a_cache_that_cannot_be_written_ends_in_one_line_and_no_traceback(tmp_path: Path) -> None:
    cache = tmp_path / "file" / "cache"
    cache.parent.touch()
    code, _, complained = await told(await started("-c", _DEMO.format(once=True), VENDOR_DEMO_CACHE=str(cache)))
    assert code == 1
    assert len(complained.splitlines()) == 1
    assert complained.startswith("vendor demo: the embedded cloud's environment cannot be kept in ")


@pytest.mark.thorough
async def test_the_demo_keeps_every_promise_shows_the_clouds_own_refusal_and_no_secret() -> None:
    code, printed, complained = await told(await started("-c", _DEMO.format(once=True), PATH=os.defpath))
    assert code == 0, printed + complained
    assert f'export PATH="{Path(sys.executable).parent}:$PATH"' in printed, "or the commands shown are not found"
    if shutil.which("aws", path=os.defpath) is None:
        assert f"{sys.executable} -m vendor.demo.pod reports" in printed
    assert "is not authorized to perform: s3:GetObject" in printed
    assert "7 of 7" in printed
    assert "BROKEN" not in printed
    assert "eyJ" not in printed  # how every JWT begins
    assert "SecretAccessKey" not in printed


@pytest.mark.thorough
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_the_world_stays_up_until_it_is_asked_to_stop_and_then_leaves_nothing(
    sign: signal.Signals, tmp_path: Path
) -> None:
    demo = await started("-c", _DEMO.format(once=False), TMPDIR=str(tmp_path))
    assert demo.stdout is not None
    async with asyncio.timeout(300):
        while b"stays up" not in (line := await demo.stdout.readline()):
            assert line, await told(demo)
    up = processes_at_home_in(tmp_path)
    demo.send_signal(sign)
    assert (await told(demo))[0] == 0
    assert len(up) == 2  # the cloud and the service
    assert processes_at_home_in(tmp_path) == []
    assert os.listdir(tmp_path) == []  # noqa: PTH208  # its Path twin is barred from async functions


def processes_at_home_in(folder: Path) -> list[int]:
    """Return the ids of the processes whose HOME is a folder in there: only the demo's own have that."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(setting.startswith(f"HOME={folder}/".encode()) for setting in environment):
            found.append(int(process.name))
    return found


def test_the_worlds_configuration_is_one_that_check_has_nothing_to_say_about(tmp_path: Path) -> None:
    file = tmp_path / "vendor.yaml"
    file.write_text(
        string.Template(resources.files("vendor.demo").joinpath("world.yaml").read_text("utf-8")).substitute(
            public_port=8080,
            operations_port=9090,
            audit_file=tmp_path / "audit.jsonl",
            issuer_url="http://127.0.0.1:7070",
            cloud_url="http://127.0.0.1:6060",
            region="us-east-1",
            role=ROLE,
            external_id=EXTERNAL_ID,
        )
    )
    configuration = config.load(file, environ={})
    assert list(configuration.scopes) == [SCOPE]
    assert configuration.warnings == ()
