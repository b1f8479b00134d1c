from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.client.agent.conftest import agent_of
from tests.client.service import TOKEN, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.client.agent.conftest import Agent, Came

ROLES = "/latest/meta-data/iam/security-credentials"
TTL = "x-aws-ec2-metadata-token-ttl-seconds"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    home = tmp_path_factory.mktemp("home")
    (home / "token").write_text(TOKEN)
    with Service() as service:
        environ = {"VENDOR_URL": service.url, "VENDOR_TOKEN_FILE": str(home / "token"), "AWS_REGION": "eu-west-1"}
        with agent_of(environ, home, "reports:read") as one:
            yield one


def session(agent: Agent, ttl: str = "21600") -> str:
    came = agent.ask("/latest/api/token", method="PUT", X_aws_ec2_metadata_token_ttl_seconds=ttl)
    assert (came.status, came.headers[TTL]) == (200, ttl)
    return came.body.decode()


def test_a_session_is_no_longer_than_aws_s_own_as_some_clients_have_no_more_room(shared: Agent) -> None:
    assert len(session(shared)) <= 56


def ask(agent: Agent, path: str) -> Came:
    return agent.ask(path, X_aws_ec2_metadata_token=session(agent))


@pytest.mark.parametrize("path", [ROLES, f"{ROLES}/", f"/{ROLES}/"])
def test_the_one_role_is_named_without_a_line_end(shared: Agent, path: str) -> None:
    came = ask(shared, path)
    assert (came.status, came.body, came.headers["content-type"]) == (200, b"reports-read", "text/plain")


@pytest.mark.parametrize("role", ["reports-read", "reports:read"])
def test_its_credentials_are_those_of_the_container_protocol(shared: Agent, role: str) -> None:
    came = ask(shared, f"{ROLES}/{role}")
    assert came.status == 200
    assert json.loads(came.body) == json.loads(shared.ask("/v1/credentials").body)
    assert json.loads(came.body)["Code"] == "Success"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/latest/meta-data/placement/region", b"eu-west-1"),
        ("/latest/meta-data/placement/availability-zone", b"eu-west-1a"),
        ("/latest/dynamic/instance-identity/document", b'{"region": "eu-west-1"}'),
    ],
)
def test_it_tells_where_this_is(shared: Agent, path: str, body: bytes) -> None:
    assert ask(shared, path).body == body


def test_a_region_is_found_by_its_other_name(
    agent: Callable[..., AbstractContextManager[Agent]], environ: dict[str, str]
) -> None:
    environ["AWS_DEFAULT_REGION"] = "eu-north-1"
    with agent("reports:read") as one:
        assert ask(one, "/latest/meta-data/placement/region").body == b"eu-north-1"


@pytest.mark.parametrize(
    "path",
    [
        "/latest/meta-data/iam/security-credentials-extended/",
        f"{ROLES}/other",
        "/latest/meta-data/",
        "/latest/user-data",
        "/latest/meta-data/instance-id",
    ],
)
def test_all_else_is_not_there(shared: Agent, path: str) -> None:
    assert ask(shared, path).status == 404


def test_without_a_session_nothing_is_told(shared: Agent) -> None:
    good = session(shared)
    end, _, signature = good.partition("-")
    for sent in ("", "x", "1-x", f"{int(end) + 1}-{signature}", good + "0", "\xff", f"{end}-", f"-{signature}"):
        assert shared.ask(f"{ROLES}/", X_aws_ec2_metadata_token=sent).status == 401, sent
    assert shared.ask(f"{ROLES}/").status == 401
    assert shared.ask(f"{ROLES}/", X_aws_ec2_metadata_token=good).status == 200


def test_a_session_ends_when_it_said(shared: Agent) -> None:
    brief = session(shared, "1")
    assert shared.ask(f"{ROLES}/", X_aws_ec2_metadata_token=brief).status in {200, 401}
    time.sleep(1.1)
    assert shared.ask(f"{ROLES}/", X_aws_ec2_metadata_token=brief).status == 401


@pytest.mark.parametrize("ttl", ["", "0", "21601", "-1", "1.5", "soon", "\xb2", "999999"])
def test_a_session_lasts_six_hours_at_most(shared: Agent, ttl: str) -> None:
    assert shared.ask("/latest/api/token", method="PUT", X_aws_ec2_metadata_token_ttl_seconds=ttl).status == 400


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/latest/api/token"), ("POST", "/latest/api/token"), ("POST", ROLES), ("HEAD", ROLES)]
)
def test_other_methods_are_refused(shared: Agent, method: str, path: str) -> None:
    assert shared.ask(path, method=method).status == 405


def test_what_a_proxy_passes_on_is_refused(shared: Agent) -> None:
    asked = {"X_aws_ec2_metadata_token_ttl_seconds": "60", "X_Forwarded_For": "10.0.0.1"}
    assert shared.ask("/latest/api/token", method="PUT", **asked).status == 403
    good = session(shared)
    for header in ("X_Forwarded_For", "Forwarded", "Via"):
        assert shared.ask(ROLES, X_aws_ec2_metadata_token=good, **{header: "10.0.0.1"}).status == 403


def test_version_1_is_answered_when_it_is_told_to(
    agent: Callable[..., AbstractContextManager[Agent]],
) -> None:
    with agent("batch", "--imdsv1") as one:
        assert one.ask(f"{ROLES}/").body == b"batch"
        assert one.ask(f"{ROLES}/batch").status == 200
        assert one.ask(f"{ROLES}/", X_aws_ec2_metadata_token="x").status == 401
        assert one.ask("/latest/meta-data/placement/region").status == 404  # none was told to us


def test_where_no_scope_is_named_the_role_has_a_name_all_the_same(
    agent: Callable[..., AbstractContextManager[Agent]],
) -> None:
    with agent("--region", "eu-central-1") as one:
        assert ask(one, f"{ROLES}/").body == b"vend"
        assert ask(one, f"{ROLES}/vend").status == 200
        assert ask(one, "/latest/meta-data/placement/region").body == b"eu-central-1"


BOTO3 = """
import boto3
credentials = boto3.Session().get_credentials()
print(credentials.method, credentials.access_key)
"""


@pytest.mark.parametrize("slash", ["", "/"])
def test_boto3_takes_it_for_the_machines_own(shared: Agent, tmp_path: Path, slash: str) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", BOTO3],
        env={"PATH": os.defpath, "HOME": str(tmp_path), "AWS_EC2_METADATA_SERVICE_ENDPOINT": shared.url + slash},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("iam-role ASIAIOSFODNN7EXAMPLE\n", 0), done.stderr
