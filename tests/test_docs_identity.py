"""docs/identity.md: its configurations are good ones, its tokens yield what is shown, and its jobs find their token."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from tests import made
from tests.client.service import Service, answered, vended
from tests.fakes import claims as samples
from tests.fakes import tokens
from tests.fakes.keys import make_key
from tests.service import ROOT
from vendor import config
from vendor.cli import main
from vendor.identity.checks import HEADER
from vendor.identity.claims import CHECKS
from vendor.policy.decision import Asked, Mapping
from vendor.policy.opening import open_session
from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (ROOT / "docs/identity.md").read_text("utf-8")
KINDS = ("Kubernetes", "GitHub Actions", "GitLab CI", "SPIFFE", "Cognito", "AWS", "Any other issuer")
SAMPLES: dict[str, Callable[[], dict[str, Any]]] = {
    "GitHub Actions": samples.github,
    "GitLab CI": samples.gitlab,
    "SPIFFE": samples.spiffe,
    "Cognito": samples.cognito_access,
    "AWS": samples.aws,
}
TOKEN = "eyJhIjoxfQ.eyJiIjoyfQ.c2ln"
KEY = make_key("ES256")


class Block(NamedTuple):
    """One fenced block and the section that it stands in."""

    section: str
    language: str
    text: str


def _blocks() -> list[Block]:
    found = []
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        found += [
            Block(title, *block) for block in re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        ]
    return found


BLOCKS = _blocks()
SHARED = next(block.text for block in BLOCKS if block.text.startswith("version: 1"))


def block(section: str, language: str, beginning: str = "") -> str:
    (found,) = [
        block.text
        for block in BLOCKS
        if (block.section, block.language) == (section, language) and block.text.startswith(beginning)
    ]
    return found


def written(folder: Path, section: str) -> str:
    """Write the configuration of a section."""
    path = folder / "vendor.yaml"
    path.write_text(SHARED + block(section, "yaml", "issuers:"))
    return str(path)


def signed(folder: Path, section: str) -> str:
    """Write a token of a section's claims, as if it were issued now."""
    said = json.loads(block(section, "json"))
    (issuer,) = config.load(Path(written(folder, section)), environ={}).issuers.values()
    now = int(time.time())
    payload = tokens.write({**said, "iat": now, "exp": now + 600})
    header = tokens.write({"alg": issuer.algorithms[0], "kid": "key-1", "typ": "JWT"})
    path = folder / "token.jwt"
    path.write_text(tokens.signed(header, payload, key=KEY))
    return str(path)


def test_every_block_is_one_that_is_tried_here() -> None:
    for section, language, text in BLOCKS:
        beginning = text.split()[0]
        assert (language, beginning) in {
            ("yaml", "version:"),
            ("yaml", "issuers:"),
            ("yaml", "apiVersion:"),
            ("yaml", "jobs:"),
            ("yaml", "deploy:"),
            ("json", "{"),
            ("console", "$"),
        }, section
        if language == "console":
            assert text.splitlines()[0] == "$ vendor token token.jwt --config vendor.yaml --offline"


@pytest.mark.parametrize("section", KINDS)
def test_the_configuration_shown_is_a_good_one(
    tmp_path: Path, section: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, section)
    assert main(["check", path]) == 0
    assert capsys.readouterr().out == f"{path}: good: 1 issuers, 1 scopes\n"


@pytest.mark.parametrize("section", KINDS)
def test_the_token_shown_yields_the_attributes_shown(
    tmp_path: Path, section: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", signed(tmp_path, section), "--config", written(tmp_path, section), "--offline"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    _, *shown = block(section, "console").splitlines()
    assert (shown[0], shown[-1]) == ("...", "...")
    assert "\n".join(["", *shown[1:-1], ""]) in out


@pytest.mark.parametrize("section", KINDS)
def test_who_has_the_token_shown_gets_the_scope_shown(
    tmp_path: Path, section: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, section)
    main(["token", signed(tmp_path, section), "--config", path, "--offline", "--format", "json"])
    told = json.loads(capsys.readouterr().out)["attributes"]
    attributes = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    loaded = config.load(Path(path), environ={})
    (name,) = loaded.scopes
    principal = made.principal(issuer=told["issuer"], subject=told["subject"], attributes=attributes)
    permission = Mapping(scopes=loaded.scopes, generation=1).permit(principal, name)
    assert permission.grant == 0
    assert open_session(permission, principal, Asked(scope=name), terms="").policy


@pytest.mark.parametrize("section", SAMPLES)
def test_the_claims_shown_are_what_the_provider_writes(section: str) -> None:
    sample = SAMPLES[section]()
    for name, value in json.loads(block(section, "json")).items():
        if isinstance(value, dict):
            assert value.items() <= sample[name].items()
        else:
            assert value == sample[name]


def test_the_roles_shown_are_of_kubernetes() -> None:
    review, keys = YAML(typ="safe").load_all(block("Kubernetes", "yaml", "apiVersion:"))
    assert {review["kind"], keys["kind"]} == {"ClusterRole"}
    assert review["rules"] == [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]}
    ]
    assert keys["rules"] == [{"nonResourceURLs": ["/openid/v1/jwks"], "verbs": ["get"]}]


async def run(script: str, folder: Path, **environ: str) -> str:
    """Run a line of a job, with an AWS CLI that prints the key id that it would sign with."""
    aws = folder / "aws"
    aws.write_text(f"#!{sys.executable} -Wignore\nimport boto3\nprint(boto3.Session().get_credentials().access_key)\n")
    aws.chmod(0o755)
    process = await asyncio.create_subprocess_shell(
        script,
        cwd=folder,
        env={"PATH": f"{folder}:{Path(sys.executable).parent}:{os.defpath}", "HOME": str(folder), **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    return out.decode().strip()


async def test_the_github_job_finds_its_token(tmp_path: Path) -> None:
    job = YAML(typ="safe").load(block("GitHub Actions", "yaml", "jobs:"))["jobs"]["deploy"]
    assert job["permissions"]["id-token"] == "write"
    with Service(answered(200, {"value": TOKEN})) as github, Service(vended()) as service:
        asked = {"ACTIONS_ID_TOKEN_REQUEST_URL": github.url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner"}
        assert (await run(job["steps"][-1]["run"], tmp_path, VENDOR_URL=service.url, **asked)).startswith("ASIA")
        assert service.asked[0].target == "/v1/credentials/site%3Adeploy"
        assert github.asked[0].target == "/?audience=vendor"


async def test_the_gitlab_job_finds_its_token(tmp_path: Path) -> None:
    job = YAML(typ="safe").load(block("GitLab CI", "yaml", "deploy:"))["deploy"]
    ((variable, declared),) = job["id_tokens"].items()
    assert declared == {"aud": "vendor"}
    with Service(vended()) as service:
        found = await run(job["script"][-1], tmp_path, VENDOR_URL=service.url, **{variable: TOKEN})
        assert found.startswith("ASIA")
        assert service.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_the_table_names_every_check_in_the_order_of_serving() -> None:
    rows = re.findall(r"^\| (\w+) \| .+ \| `(\w+)` \|$", PAGE, re.MULTILINE)
    before, after = [check.name for check in HEADER], [check.name for check in CHECKS]
    names = ["shape", "issuer", *before, "key", "signature", *after, "review", "one_time"]
    assert [name for name, _ in rows] == names
    assert {reason for _, reason in rows} <= {reason.value for reason in Reason}


def test_every_attribute_name_on_the_page_exists() -> None:
    """A misspelt key of the configuration in running text would send a reader astray."""
    schema = json.dumps(config.json_schema())
    for name in ("max_token_lifetime", "max_token_age", "leeway", "one_time_tokens", "require_token_scope"):
        assert f"`{name}" in PAGE
        assert f'"{name}"' in schema
    for name in ("token_review", "api_server", "trust_domain", "max_keys_age", "keys_cache", "ca_file", "client_ca"):
        assert name in PAGE
        assert f'"{name}"' in schema
