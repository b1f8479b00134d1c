"""Every example of docs/vend.md is run beside a served world, and what it shows is what comes out."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import yaml

from tests.client.service import Service, answered
from tests.fakes.s3 import S3
from tests.sdk import clients, installed
from tests.service import ROOT, World
from vendor.client.agent.daemon import DEFAULT
from vendor.client.options import PURPOSES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# One loop for the world and all that is run in it. It installs the AWS CLI the first time.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.thorough]

DOCUMENT = (ROOT / "docs" / "vend.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
ANYWHERE = "https://vendor.example.com"
# A tool that is not here: it asks as its SDK would.
TOOL = f"""#!{sys.executable} -S
import os, urllib.request
token = open(os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read()
asked = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={{"Authorization": token}})
print(urllib.request.urlopen(asked).status)
"""


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


def first_words(block: str) -> str:
    return " ".join(block.split()[:3])


AGENT = next(block for block in blocks("console") if block.startswith("$ vend agent"))
BESIDE = [block for block in blocks("console") if DEFAULT in block and block != AGENT]
CONSOLES = [block for block in blocks("console") if DEFAULT not in block]


@dataclass(frozen=True, slots=True)
class Place:
    """A served world, an S3 that the AWS CLI finds, and a folder of commands."""

    world: World
    s3: S3
    commands: Path

    async def run(self, home: Path, script: str, **environ: str) -> tuple[int, str]:
        """Run lines of a shell as a workload would, and return the exit code and all that they print."""
        token = home / "jwt"
        token.write_text(self.world.token(f"batch-{home.name.replace('_', '-')}"))
        given = {
            "HOME": str(home),
            "PATH": f"{self.commands}:{os.defpath}",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.s3.url,
            "AWS_EC2_METADATA_DISABLED": "false",
            "PYTHONPATH": str(ROOT),
            "VENDOR_URL": self.world.service.public,
            "VENDOR_TOKEN_FILE": str(token),
        }
        lines = ["/bin/bash", "-ec", f"exec 2>&1\n{script.replace(ANYWHERE, self.world.service.public)}"]
        code, out, _ = await clients.run(lines, {**given, **environ}, home)
        return code, out


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    commands = _commands(tmp_path_factory.mktemp("commands"))
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(tmp_path_factory.mktemp("world")))
        yield Place(world, await stack.enter_async_context(S3()), commands)


def _commands(folder: Path) -> Path:
    """Make a folder with `vend`, the AWS CLI, and tools that only ask the endpoint."""
    python = Path(sys.executable)
    found = {"vend": python.parent / "vend", "aws": installed.awscli() / "bin" / "aws", "python3": python}
    for name, path in found.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(str(path))} "$@"\n')
    for name in ("terraform", "spark-submit", "dbt", "duckdb", "python"):
        (folder / name).write_text(TOOL)
    for path in folder.iterdir():
        path.chmod(0o755)
    return folder


def _parts(block: str) -> tuple[str, str]:
    """Return the commands of a block and what is shown of their output."""
    lines = block.splitlines(keepends=True)
    commands = [line[2:] for line in lines if line.startswith("$ ")]
    return "".join(commands), "".join(line for line in lines if not line.startswith("$ "))


def _same(shown: str, came: str) -> bool:
    """Compare, but for a request id, which is another each time."""
    return re.sub(r"request \w{16}", "request", came) == re.sub(r"request \w{16}", "request", shown)


@pytest.mark.parametrize("block", CONSOLES, ids=first_words)
async def test_an_example_prints_what_is_shown(place: Place, tmp_path: Path, block: str) -> None:
    script, shown = _parts(block)
    code, out = await place.run(tmp_path, script)
    assert _same(shown, out), out
    assert code == ("access_denied" in shown)


@pytest.mark.parametrize("block", BESIDE, ids=first_words)
async def test_an_agent_serves_what_is_shown(place: Place, tmp_path: Path, block: str) -> None:
    command, told = _parts(AGENT)
    (tmp_path / "agent").write_text(place.world.token("batch-agent"))
    process = await asyncio.create_subprocess_exec(
        *shlex.split(command.replace("vend", str(place.commands / "vend"), 1)),
        *("--listen", "127.0.0.1:0", "--url", place.world.service.public, "--token-file", str(tmp_path / "agent")),
        env={"HOME": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr
        async with asyncio.timeout(20):
            line = (await process.stderr.readline()).decode()
        where = line.split("http://")[1].strip()
        assert line.replace(where, DEFAULT) == told
        script, shown = _parts(block)
        assert await place.run(tmp_path, script.replace(DEFAULT, where)) == (0, shown)
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize(
    "line",
    [line for block in blocks("sh") for line in block.splitlines() if not line.startswith("export ")],
    ids=lambda line: line.split(" -- ")[1],
)
async def test_a_recipe_gives_its_tool_credentials(place: Place, tmp_path: Path, line: str) -> None:
    assert await place.run(tmp_path, line) == (0, "200\n")


async def test_a_token_of_a_batch_job_is_found_where_the_recipe_puts_it(place: Place, tmp_path: Path) -> None:
    (script,) = [block for block in blocks("sh") if block.startswith("export ")]
    (tmp_path / ".config" / "vend").mkdir(parents=True)
    (tmp_path / ".config" / "vend" / "token").write_text(place.world.token("batch-cron"))
    assert await place.run(tmp_path, script) == (0, "200\n")
    assert place.world.audit()[-1]["subject"].endswith(":batch-cron")


@pytest.mark.parametrize("at", [0, 1])
async def test_a_profile_works_as_it_is_shown(place: Place, tmp_path: Path, at: int) -> None:
    (tmp_path / "config").write_text(blocks("ini")[at].replace(ANYWHERE, place.world.service.public))
    environ = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "reports"}
    code, out = await place.run(tmp_path, "aws s3 ls s3://bkt/", **environ)
    assert (code, out.split()[-1]) == (0, "hello.txt")
    assert place.world.audit()[-1]["parameters"] == {"month": "2026-03"}


async def test_the_lines_of_python_do_what_they_say(place: Place, tmp_path: Path) -> None:
    (script,) = blocks("python")
    (tmp_path / "script.py").write_text(f"{script}print(s3.list_objects_v2(Bucket='bkt')['KeyCount'])\n")
    assert await place.run(tmp_path, "python3 script.py") == (0, "1\n")
    assert place.world.audit()[-1]["parameters"] == {"month": "2026-03"}


def _yaml(beginning: str) -> Any:
    (found,) = [block for block in blocks("yaml") if beginning in block]
    return yaml.safe_load(found)


async def test_the_action_gives_later_steps_a_profile(place: Place, tmp_path: Path) -> None:
    (step,) = _yaml("using: composite")["runs"]["steps"]
    installing, *script = step["run"].splitlines()
    assert installing == "python3 -m pip install --quiet credential-vendor"
    variables = {"RUNNER_TEMP": str(tmp_path), "GITHUB_ENV": str(tmp_path / "env")}
    given = {"SCOPE": "reports:read", "URL": place.world.service.public}
    assert set(step["env"]) == set(given)
    assert await place.run(tmp_path, "\n".join(script), **variables, **given) == (0, "")
    name, _, value = (tmp_path / "env").read_text().strip().partition("=")
    with Service(answered(200, {"value": place.world.token("batch-github")})) as github:
        job = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{github.url}/token?api-version=2",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t",
            "VENDOR_TOKEN_FILE": "",
        }
        code, out = await place.run(tmp_path, "aws s3 ls s3://bkt/", **job, **{name: value})
    assert (code, out.split()[-1]) == (0, "hello.txt"), out
    assert place.world.audit()[-1]["subject"].endswith(":batch-github")


async def test_the_job_of_gitlab_does_what_it_is_for(place: Place, tmp_path: Path) -> None:
    job = _yaml("id_tokens:")["report"]
    assert list(job["id_tokens"]) == ["VENDOR_ID_TOKEN"]
    installing, command = job["script"]
    assert installing == "pip install --quiet credential-vendor"
    environ = {"VENDOR_ID_TOKEN": place.world.token("batch-gitlab"), "VENDOR_TOKEN_FILE": ""}
    code, out = await place.run(tmp_path, command, **environ)
    assert (code, out.split()[-1]) == (0, "hello.txt")
    assert place.world.audit()[-1]["subject"].endswith(":batch-gitlab")


async def test_the_pod_does_what_it_is_for(place: Place, tmp_path: Path) -> None:
    spec = _yaml("kind: Pod")["spec"]
    (container,) = spec["containers"]
    (volume,) = spec["volumes"]
    (source,) = volume["projected"]["sources"]
    mounted = f"{container['volumeMounts'][0]['mountPath']}/{source['serviceAccountToken']['path']}"
    assert mounted == "/var/run/secrets/vendor/token"  # where `vend` looks by itself
    code, out = await place.run(tmp_path, shlex.join(container["command"]))
    assert (code, out.split()[-1]) == (0, "hello.txt")


async def test_the_daemon_set_runs_an_agent_without_a_token(place: Place, tmp_path: Path) -> None:
    spec = _yaml("kind: DaemonSet")["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    command = shlex.join(spec["containers"][0]["command"]).replace("169.254.170.23:80", "127.0.0.1:0")
    script = f"timeout 2 {command}"
    code, out = await place.run(tmp_path, script, VENDOR_TOKEN_FILE="/nonexistent")
    assert (code, out.startswith("vend: serving at http://127.0.0.1:")) == (124, True)


async def test_every_command_is_shown() -> None:
    for name in PURPOSES:
        assert f"vend {name}" in DOCUMENT, name
