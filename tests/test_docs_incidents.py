"""Every command of docs/incidents.md is run, in its order, and what it shows is what comes out."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes.iam import Iam
from tests.server.http import get
from tests.service import CONFIGURATION, ROOT, World

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT = (ROOT / "docs" / "incidents.md").read_text("utf-8")
CONSOLES = re.findall(r"^```console\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
KEY = "ASIAF3VV4PKKYWUXV5S6"
# What differs each time: moments, digests of issuers on some port, random ids.
VARYING = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|-[a-z2-7]{16}\b|\b[0-9a-f]{16}\b")


def _parts(block: str) -> tuple[str, str]:
    """Return the command of a block, with the lines that continue it, and what it prints."""
    found = re.match(r"\$ (?:.*\\\n)*.*\n", block)
    assert found
    return found[0][2:], block[found.end() :]


async def _sh(command: str, folder: Path, environ: Mapping[str, str]) -> str:
    process = await asyncio.create_subprocess_shell(
        command, cwd=folder, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    return (await process.communicate())[0].decode()


@pytest.mark.slow
async def test_from_a_key_id_to_its_holder_to_a_stop_and_back(tmp_path: Path) -> None:
    configuration = CONFIGURATION.replace("operations:\n", "operations:\n  revocations: revocations.json\n")
    async with World(tmp_path, configuration=configuration) as world, Iam() as iam:
        (tmp_path / "operator.jwt").write_text(world.token("vendor-operator", namespace="platform"))
        path, token = "/v1/credentials/reports:read?month=2026-03", world.token("batch-7")
        keys = [(await get(world.service.public, path, token)).key_id for _ in range(2)]
        assert (await get(world.service.public, path, world.token())).status == 200
        environ = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "VENDOR_OPERATIONS_URL": world.service.operations,
            "VENDOR_TOKEN_FILE": "operator.jwt",
            "AWS_ACCESS_KEY_ID": "AKIARESPONDER0000001",
            "AWS_SECRET_ACCESS_KEY": "CANARY-responder",
            "AWS_ENDPOINT_URL": iam.url,
        }
        for block in CONSOLES:
            command, shown = _parts(block.replace(KEY, keys[0]))
            printed = await _sh(command, tmp_path, environ)
            assert VARYING.sub("…", printed.rstrip("\n")) == VARYING.sub("…", shown.rstrip("\n")), command
            if "--apply" in command:
                assert (await get(world.service.public, path, token)).code == "revoked"
    assert len(CONSOLES) == 9
