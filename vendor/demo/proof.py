"""Plays the demo's exchanges, keeps what was seen, and judges each step by it; prints nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import jwt
from ruamel.yaml import YAML

from vendor.demo.child import clean_environment, told_by
from vendor.demo.failure import DemoFailed
from vendor.demo.world import BUCKET, EXTERNAL_ID, OBJECTS, OTHERS, OWN, ROLE, SCOPE, World
from vendor.policy.template import PolicyTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_POD = Path(__file__).with_name("pod.py")


@dataclass(frozen=True, slots=True)
class Reading:
    """How one GetObject went: a body, or the refusal's code and message as the SDK raised them."""

    key: str
    status: int
    body: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen, without any secret: claims, policy, readings, audit line, refusal and metrics."""

    header: dict[str, Any]
    claims: dict[str, Any]
    filled_policy: str
    access_key_id: str
    own: Reading
    others: Reading
    whole_role: tuple[Reading, ...]
    audit_line: dict[str, Any]
    refused_status: int
    refused: dict[str, Any]
    refused_line: dict[str, Any]
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of the demo, and whether it was kept."""

    promise: str
    kept: bool


async def gather(world: World) -> Evidence:
    """Play every exchange once and return what was seen."""
    token = world.token_file.read_text("ascii")
    claims = jwt.decode(token, options={"verify_signature": False})  # ours, and only to show it
    (used, (own, others)), (_, whole_role) = await asyncio.gather(
        _read(world.folder, world.pod_settings()), _read(world.folder, _whole_role_settings(world))
    )
    if not used:
        raise DemoFailed(f"the pod got no credentials: {own.message}\n{world.service.last_words()}")
    status, refused = await _ask_without_grant(world)
    return Evidence(
        header=jwt.get_unverified_header(token),
        claims=claims,
        filled_policy=fill_policy(world.configuration, attributes=_attributes(claims)),
        access_key_id=used,
        own=own,
        others=others,
        whole_role=whole_role,
        audit_line=_audit_line(world.audit_file, access_key_id=used),
        refused_line=_audit_line(world.audit_file, request_id=refused.get("request_id")),
        refused_status=status,
        refused=refused,
        metrics=await _metrics(world),
    )


def checks(evidence: Evidence) -> list[Check]:
    """Return every promise of the demo with the verdict on it, in the order of the story."""
    policy_sha256 = hashlib.sha256(evidence.filled_policy.encode()).hexdigest()
    return [
        Check("the pod read its own team's object", evidence.own.body == OBJECTS[OWN]),
        Check("the cloud refused it the other team's object", _is_refused_by_the_cloud(evidence.others)),
        Check(
            "the same role without a session policy reads both",
            {reading.key: reading.body for reading in evidence.whole_role} == OBJECTS,
        ),
        Check("the policy shown is the one that was sent", evidence.audit_line.get("policy_sha256") == policy_sha256),
        Check(
            "the service refused the identity without a grant",
            (evidence.refused_status, evidence.refused.get("code")) == (403, "access_denied"),
        ),
        Check("one issuance was counted", total(evidence.metrics, "vendor_credentials_issued_total") == 1),
        Check("STS was asked once", total(evidence.metrics, "vendor_sts_requests_total") == 1),
    ]


def total(metrics: Sequence[str], name: str) -> float:
    """Return the sum over all labels of one metric in the lines of a scrape."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in metrics if line.startswith((f"{name}{{", f"{name} ")))


def fill_policy(configuration: Path, *, attributes: Mapping[str, str]) -> str:
    """Return the scope's session policy of a vendor.yaml, filled by the service's own code; no parameter is said."""
    scope = YAML(typ="safe", pure=True).load(configuration)["scopes"][SCOPE]
    parameters = {name: parameter["default"] for name, parameter in scope.get("parameters", {}).items()}
    return PolicyTemplate.parse(scope["session"]["policy"]).fill({**parameters, **attributes})


def _is_refused_by_the_cloud(reading: Reading) -> bool:
    # The cloud's own words name the session; without credentials the SDK would fail before it asked.
    session = f"{ROLE.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/"
    return (reading.status, reading.code) == (403, "AccessDenied") and session in reading.message


async def _read(folder: Path, settings: Mapping[str, str]) -> tuple[str, tuple[Reading, ...]]:
    printed = await told_by(
        program=_POD, arguments=[BUCKET, OWN, OTHERS], environment=clean_environment(home=folder, **settings)
    )
    told = json.loads(printed)
    return told["access_key_id"], tuple(Reading(**reading) for reading in told["readings"])


def _whole_role_settings(world: World) -> dict[str, str]:
    """Let the SDK assume the role by itself with the service's keys: what a pod would hold without `vendor`."""
    profile = world.folder / "whole-role.ini"
    profile.touch(mode=0o600)
    profile.write_text(
        f"[profile whole-role]\nrole_arn = {ROLE}\nexternal_id = {EXTERNAL_ID}\nsource_profile = service\n"
        f"[profile service]\naws_access_key_id = {world.vendor_keys['AccessKeyId']}\n"
        f"aws_secret_access_key = {world.vendor_keys['SecretAccessKey']}\n",
        encoding="ascii",
    )
    return {
        "AWS_CONFIG_FILE": str(profile),
        "AWS_PROFILE": "whole-role",
        "AWS_DEFAULT_REGION": world.cloud.region,
        "AWS_ENDPOINT_URL": world.cloud.url,
    }


async def _ask_without_grant(world: World) -> tuple[int, dict[str, Any]]:
    token = world.issuer.token(namespace="marketing", service_account="reporter")
    url = f"{world.service_url}/v1/credentials/{SCOPE}"
    async with aiohttp.ClientSession() as session, session.get(url, headers={"Authorization": token}) as answer:
        return answer.status, await answer.json()


async def _metrics(world: World) -> tuple[str, ...]:
    async with aiohttp.ClientSession() as session, session.get(f"{world.operations_url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return tuple(line for line in lines if line.startswith("vendor_"))


def _attributes(claims: Mapping[str, Any]) -> dict[str, str]:
    kubernetes = claims["kubernetes.io"]
    return {"namespace": kubernetes["namespace"], "service_account": kubernetes["serviceaccount"]["name"]}


def _audit_line(file: Path, **wanted: str | None) -> dict[str, Any]:
    """Return the audit line whose member is this."""
    ((name, value),) = wanted.items()
    for line in file.read_text("utf-8").splitlines():
        entry: dict[str, Any] = json.loads(line)
        if value and entry.get(name) == value:
            return entry
    raise DemoFailed(f"no audit line tells of the {name} {value}")
