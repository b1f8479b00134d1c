"""Every command of the README is run, and what it shows is what comes out."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service import CONFIGURATION, ROOT, World, served
from vendor import config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", README, re.MULTILINE | re.DOTALL)
# What installs or runs the whole project is run by .ci/run and by the test of the wheel, which would run this test too.
KUBE = "tests/kubernetes/test_cluster.py"  # which runs those of docs/kubernetes.md
ELSEWHERE = {
    "helm install vendor helm/vendor --namespace credentials --create-namespace --values values.yaml": KUBE,
    "kubectl annotate serviceaccount reporter --namespace analytics vendor.dev/scope=reports:read": KUBE,
    "make demo ARGS=--once": ".ci/run",
    "make test": ".ci/run",
    "pip install credential-vendor": "tests/test_wheel.py",
    'pip install "credential-vendor[server]"': "tests/test_wheel.py",
}


def _commands() -> list[str]:
    """Return the commands of all blocks, those that set variables together with the ones that follow."""
    found: list[str] = []
    for language, text in BLOCKS:
        if language == "console":
            found += [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
        elif language == "sh":
            lines = text.splitlines()
            found += ["\n".join(lines)] if lines[0].startswith("export ") else lines
    return found


def _block(language: str, beginning: str) -> str:
    return next(str(text) for kind, text in BLOCKS if kind == language and text.lstrip().startswith(beginning))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path, configuration=CONFIGURATION) as running:
        yield running


async def _sh(command: str, world: World) -> str:
    """Run a command as the README's reader would: with a token at hand, and our commands on the path."""
    token = world.folder / "token"
    token.write_text(world.issuer.token())
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VENDOR_URL": world.service.public,
        "VENDOR_TOKEN_FILE": str(token),
        "HOME": str(world.folder),
    }
    command = command.replace("/var/run/secrets/vendor/token", str(token))
    process = await asyncio.create_subprocess_shell(
        command, cwd=world.folder, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


def test_every_command_is_one_that_some_test_runs() -> None:
    here = Path(__file__).read_text("utf-8")
    for command in _commands():
        runner = ELSEWHERE.get(command)
        if runner:
            assert (ROOT / runner).exists(), command
        else:
            assert f"_run({json.dumps(command.split()[0])}" in here.replace("'", '"'), command
    continuous = (ROOT / ".ci/run").read_text("utf-8")
    assert "make demo ARGS=--once" in continuous
    assert "make test" in continuous


def test_the_commands_for_kubernetes_are_those_of_its_page() -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text("utf-8")
    for command in [one for one, runner in ELSEWHERE.items() if runner == KUBE]:
        assert f"$ {command}\n" in page


def _run(beginning: str) -> str:
    """Return the README's one command that begins so."""
    (found,) = [one for one in _commands() if one.split()[0] == beginning and one not in ELSEWHERE][:1]
    return found


async def test_the_request_with_curl_is_answered_as_shown(world: World) -> None:
    shown = json.loads(re.search(r"^\{\"Code\".*$", README, re.MULTILINE)[0])  # type: ignore[index]
    answer = json.loads(await _sh(_run("curl"), world))
    assert list(answer) == list(shown)
    assert answer["RoleArn"] == shown["RoleArn"]


async def test_the_variables_are_all_that_an_sdk_needs(world: World) -> None:
    boto3 = "import boto3; print(boto3.Session().get_credentials().get_frozen_credentials().access_key)"
    command = f"{_run('export')}\n{shlex.quote(sys.executable)} -W ignore -c {shlex.quote(boto3)}"
    key = (await _sh(command, world)).strip()
    assert key == world.audit()[-1]["access_key_id"]


async def test_vend_exec_runs_a_job_with_credentials(world: World) -> None:
    job = "import boto3; print(boto3.Session().get_credentials().access_key)"
    (world.folder / "job.py").write_text(job)
    key = (await _sh(_run("vend"), world)).strip()
    assert key == world.audit()[-1]["access_key_id"]
    assert world.audit()[-1]["parameters"] == {"month": "2026-03"}


async def test_vendor_check_says_what_is_shown(world: World) -> None:
    (world.folder / "config").symlink_to(ROOT / "config")
    assert await _sh(_run("vendor").splitlines()[0], world) in README


async def test_vendor_serve_serves_the_example(tmp_path: Path) -> None:
    assert "vendor serve --config config/vendor.yaml" in _commands()
    example = (ROOT / "config/vendor.yaml").read_text("utf-8")
    async with served(re.sub(r'"0\.0\.0\.0:\d+"', '"127.0.0.1:0"', example), tmp_path) as service:
        service.terminate()
        assert await service.process.wait() == 0


def test_the_configuration_shown_is_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "vendor.yaml").write_text(_block("yaml", "version: 1"))
    loaded = config.load(tmp_path / "vendor.yaml", environ={})
    assert list(loaded.scopes) == ["reports:read"]
    assert not loaded.warnings


def test_the_trust_policy_shown_is_json() -> None:
    assert json.loads(_block("json", "{"))["Version"] == "2012-10-17"


def test_every_refusal_is_in_the_table() -> None:
    from vendor.refusals import Code  # noqa: PLC0415

    later = {
        "not_found",
        "method_not_allowed",
        "request_too_large",
        "unsupported_media_type",
        "header_too_large",
        "conflict",
    }
    named = set(re.findall(r"`([a-z_]+)`", README))
    assert {code.value for code in Code} - later <= named
