"""Injection: the patch that gives a pod's containers a token and says where to ask with it.

Nothing that is set is overridden, and a pod that went through once is left as it is the second time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from vendor.kubernetes.annotations import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vendor.kubernetes.annotations import Wanted

VOLUME: Final = "vendor-token"
FOLDER: Final = "/var/run/secrets/vendor"
TOKEN_FILE: Final = f"{FOLDER}/token"
ACCOUNT: Final = "000000000000"
"""The account in the ARN of a role that is a scope's name."""
DECISIVE: Final = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ENDPOINT_URL_STS",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    }
)
"""Variables by which an SDK finds credentials: who sets one of them has decided, AWS's own webhook too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where pods are sent, and for how many seconds their tokens live; `region` is empty for none."""

    service_url: str
    agent_url: str
    token_expiration: int
    region: str = ""


@dataclass(frozen=True, slots=True)
class Injection:
    """A JSON patch (RFC 6902), and what the author of the pod should know."""

    patch: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def inject(pod: Mapping[str, Any], wanted: Wanted, places: Places, *, ephemeral: bool) -> Injection:
    """Return the patch of a pod; with `ephemeral` only its ephemeral containers can be changed any more."""
    spec = pod["spec"]
    volume = next((one for one in spec.get("volumes") or [] if one["name"] == VOLUME), None)
    if (spec.get("os") or {}).get("name") == "windows":
        return Injection(warnings=["vendor.dev: nothing is injected into pods of Windows"])
    if volume is not None and not _is_ours(volume):
        return Injection(warnings=[f"vendor.dev: nothing is injected, as another volume is called {VOLUME}"])
    if ephemeral and volume is None:
        return Injection()  # the pod itself got nothing either, and volumes cannot be added any more
    found = Injection()
    lists = ("ephemeralContainers",) if ephemeral else ("initContainers", "containers")
    for path, container in _containers(spec, lists):
        if container["name"] not in wanted.skipped:
            _add_to(container, path, _environment(wanted, places, container), found)
    if found.patch and volume is None:
        added = _volume(wanted, places)
        whole = "/spec/volumes/-" if spec.get("volumes") else "/spec/volumes"
        found.patch.insert(0, {"op": "add", "path": whole, "value": added if spec.get("volumes") else [added]})
    if wanted.mode is Mode.STS and wanted.query:
        found.warnings.append("vendor.dev: the mode sts can carry neither parameters nor a duration")
    return found


def _containers(spec: Mapping[str, Any], lists: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in lists:
        for index, container in enumerate(spec.get(name) or []):
            yield f"/spec/{name}/{index}", container


def _add_to(container: Mapping[str, Any], path: str, environment: dict[str, str], found: Injection) -> None:
    """Add what a container lacks, or nothing of it where the container has decided for itself."""
    there = {one["name"]: one.get("value") for one in container.get("env") or []}
    decided = sorted(name for name in DECISIVE & there.keys() if there[name] != environment.get(name, ""))
    if decided:
        told = f"vendor.dev: container {container['name']} is left as it is, since it sets {', '.join(decided)}"
        found.warnings.append(told[:256])
        return
    missing = [{"name": name, "value": value} for name, value in environment.items() if name not in there]
    found.patch.extend(_appended(f"{path}/env", container.get("env"), missing))
    mounts = container.get("volumeMounts") or []
    if not any(one["mountPath"].rstrip("/") == FOLDER for one in mounts):
        mount = {"name": VOLUME, "mountPath": FOLDER, "readOnly": True}
        found.patch.extend(_appended(f"{path}/volumeMounts", mounts, [mount]))


def _appended(path: str, there: object, more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not more:
        return []
    if not there:
        return [{"op": "add", "path": path, "value": more}]
    return [{"op": "add", "path": f"{path}/-", "value": one} for one in more]


def _environment(wanted: Wanted, places: Places, container: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that send a container's SDK to us, and `vend` too."""
    if wanted.mode is Mode.STS:
        environment = {
            "AWS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/{wanted.scope}",
            "AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE,
            "AWS_ENDPOINT_URL_STS": f"{places.service_url}/sts",
        }
    else:
        origin = places.agent_url if wanted.mode is Mode.AGENT else places.service_url
        query = f"?{wanted.query}" if wanted.query else ""
        environment = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{origin}/v1/credentials/{wanted.scope}{query}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": TOKEN_FILE,
        }
    environment |= {"VENDOR_URL": places.service_url, "VENDOR_SCOPE": wanted.scope, "VENDOR_TOKEN_FILE": TOKEN_FILE}
    named = {one["name"] for one in container.get("env") or []}
    if places.region and not named & {"AWS_REGION", "AWS_DEFAULT_REGION"}:
        environment |= {"AWS_REGION": places.region, "AWS_DEFAULT_REGION": places.region}
    return environment


def _volume(wanted: Wanted, places: Places) -> dict[str, Any]:
    token = {"audience": wanted.audience, "expirationSeconds": places.token_expiration, "path": "token"}
    return {"name": VOLUME, "projected": {"sources": [{"serviceAccountToken": token}]}}


def _is_ours(volume: Mapping[str, Any]) -> bool:
    sources = (volume.get("projected") or {}).get("sources") or []
    return any((one.get("serviceAccountToken") or {}).get("path") == "token" for one in sources)
