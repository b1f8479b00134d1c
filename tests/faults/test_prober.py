"""F32: the negative prober, which tries what must be refused, and says so when it is not."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults import calls
from tests.faults.rig import Rig
from tests.service import CONFIGURATION, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.telling import Tell

pytestmark = pytest.mark.faults

FORBIDDEN = """\
  never:this:
    description: What the prober must not be given
    grants:
      - {{issuer: cluster-a, where: {{namespace: platform, service_account: nobody}}}}
    target: aws
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/never"}}}}
    session: {{unrestricted: true, source_identity: "{{{{ namespace }}}}.{{{{ service_account }}}}"}}
"""


async def test_a_prober_is_refused_always_and_tells_of_the_first_grant_that_it_must_not_have(
    tmp_path: Path, tell: Tell
) -> None:
    """F32: a prober tries what must be refused, at 200 requests a second of others; then it is granted by mistake.

    Promised: all is refused, at no call of STS; the first probe after the mistake says so.
    """
    async with Rig(tmp_path, configuration=CONFIGURATION + FORBIDDEN) as rig:
        token = tmp_path / "token"
        token.write_text(rig.world.token())
        flow = await rig.send(calls.of(rig.world, calls.names("beside", 50)), rate=200, seconds=15)
        refused = [await _probe(rig, token) for _ in range(8)]
        assert [code for code, _ in refused] == [0] * 8
        assert not [one for one in rig.world.sts.requests if one.role_arn.endswith("/never")]
        configured = tmp_path / "vendor.yaml"
        wrong = configured.read_text().replace("platform, service_account: nobody", "analytics")
        configured.write_text(wrong)
        while (await rig.scrape()).value("vendor_config_generation") < 2:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        code, told = await _probe(rig, token)
        results = await flow.results()
        tell(
            f"8 probes, {sum(len(one['tried']) for _, one in refused)} tries, each as it must be; then {told['tried']}"
        )
        tell.measured(f"{sum(len(one['tried']) for _, one in refused)} tries as they must be; then exit {code}")
        assert code == 1
        assert [one["came"] for one in told["tried"] if one["what"] == "scope never:this"] == ["granted"]
        assert results.served == 1.0


async def _probe(rig: Rig, token: Path) -> tuple[int, dict[str, Any]]:
    """Return how a probe ended and what it said."""
    command = ["-m", "vendor.cli", "probe", "--url", rig.world.service.public, "--token-file", str(token)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        *("--refused", "never:this", "--granted", "reports:read", "--format", "json"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(out)
