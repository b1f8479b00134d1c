"""docs/clients.md: its recipes work as they stand, and its matrix is of these clients, doors and reasons."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.sdk import clients, doors, programs
from tests.sdk.clients import CLIENTS
from tests.sdk.doors import DOORS, Workload
from tests.sdk.reasons import CANNOT, SHOWS
from tests.sdk.report import BEGIN, END, SIGNED, main
from tests.service import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sdk.place import Place

DOCUMENT = (ROOT / "docs" / "clients.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
SHELL = [text for language, text in BLOCKS if language == "sh"]
TOKEN = "/var/run/secrets/vendor/token"


def cells() -> dict[tuple[str, str], str]:
    """Return what stands in the matrix, a reason where there is a number."""
    passage = DOCUMENT[DOCUMENT.index(BEGIN) + len(BEGIN) : DOCUMENT.index(END)]
    heads, _, *rows = [re.split(r" *\| *", line.strip("| ")) for line in passage.splitlines() if line.startswith("|")]
    reasons: dict[str, str] = dict(re.findall(r"^(\d+)\. (.*)$", passage, re.MULTILINE))
    found: dict[tuple[str, str], str] = {}
    for name, _, *told in rows:
        for head, cell in zip(heads[2:], told, strict=True):
            found[name.split()[0], head] = reasons.get(cell.strip("()"), cell)
    return found


def test_every_cell_of_the_matrix_is_a_run_or_a_reason() -> None:
    told = {
        (client.name, door.name): CANNOT.get((client.name, door.name), SIGNED) for client in CLIENTS for door in DOORS
    }
    told |= {(name, "of a refusal its user sees"): shown for name, shown in SHOWS.items()}
    assert cells() == told
    assert len(CLIENTS) >= 9
    assert len(DOORS) >= 5


def test_a_run_that_left_something_out_is_not_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document, results = tmp_path / "clients.md", tmp_path / "matrix.xml"
    document.write_text(f"{BEGIN}as it was\n{END}")
    noted = '<properties><property name="client" value="boto3"/><property name="door" value="{}"/></properties>'
    failed = f'<testcase>{noted.format(doors.TOKEN_FILE)}<failure message="x"/></testcase>'
    results.write_text(f"<testsuites>{failed}<testcase>{noted.format(doors.PROCESS)}</testcase></testsuites>")
    assert main(str(results), str(document)) == 1
    err = capsys.readouterr().err
    assert f"boto3 at {doors.TOKEN_FILE}: failed" in err
    assert f"boto3 at {doors.TOKEN_VARIABLE}: was not run" in err
    assert doors.PROCESS not in re.findall(r"boto3 at (.*):", err)
    assert "as it was" in document.read_text()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("variable", ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ENDPOINT_URL_STS"])
async def test_the_variables_of_a_door_are_all_that_it_takes(place: Place, tmp_path: Path, variable: str) -> None:
    (recipe,) = (text for text in SHELL if variable in text)
    who = Workload(clients.BOTO3, tmp_path, place.world.token("batch-recipe"))
    recipe = recipe.replace("https://vendor.example.com", place.world.service.public).replace(TOKEN, who.token_file())
    script = f"{recipe}exec {shlex.join([sys.executable, '-c', programs.BOTO3, place.s3.url])}"
    place.since()
    ended = await clients.run(["/bin/sh", "-euc", script], clients.workload(tmp_path), tmp_path)
    assert ended == (0, "1\n", "")
    place.check_signed_with_what_was_vended()


def test_the_pod_is_one_and_asks_for_a_token_of_our_audience() -> None:
    (pod,) = (yaml.safe_load(text) for language, text in BLOCKS if language == "yaml")
    (source,) = pod["spec"]["volumes"][0]["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "vendor"
    mounted = pod["spec"]["containers"][0]["volumeMounts"][0]["mountPath"]
    environ = {one["name"]: one["value"] for one in pod["spec"]["containers"][0]["env"]}
    assert environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] == f"{mounted}/{source['serviceAccountToken']['path']}"
