"""T31: the webhook as it runs: nothing keeps a pod from starting, overrides what it says or grants anything."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.fakes.api_server import ApiServer
from tests.kubernetes.patching import apply
from tests.kubernetes.test_webhook import NAME, SCOPE, Served, pod, review, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

PREFIX: Final = "vendor.dev/"
OWN: Final = {"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "https://mine.example"}
OTHER: Final = {"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
# What may be put into a pod, and nothing else: a path of JSON Patch to one of these.
PLACES: Final = ("/env", "/volumeMounts", "/volumes")
ANNOTATIONS: Final[dict[str, dict[str, Any]]] = {
    "another mode": {"mode": "root"},
    "a mode of another case": {"mode": "Direct"},
    "a scope of others": {"scope": "admin:all"},
    "no scope": {"scope": ""},
    "a scope with a path": {"scope": "../../metadata"},
    "a scope with an address": {"scope": "@evil.test/x"},
    "a scope with a query": {"scope": "reports:read?role=admin"},
    "a scope with a fragment": {"scope": "reports:read#"},
    "a scope with a newline": {"scope": "reports:read\nAWS_PROFILE=admin"},
    "a scope with a NUL": {"scope": "reports:read\0"},
    "a scope in other letters": {"scope": "report\u0455:read"},
    "a scope without end": {"scope": "a" * 100_000},
    "a list of scopes": {"scope": "reports:read,admin:all"},
    "a star": {"scope": "*"},
    "a variable": {"scope": "$(AWS_PROFILE)"},
    "a template": {"scope": "{{ namespace }}"},
    "a URL of its own": {"url": "https://evil.test"},
    "a service of its own": {"service-url": "https://evil.test"},
    "an audience of its own": {"audience": "sts.amazonaws.com"},
    "an audience with a quote": {"audience": 'vendor","x":"'},
    "parameters with a path": {"parameters": "month=../../x"},
    "parameters with a variable": {"parameters": "month=$(SECRET)"},
    "parameters with an ampersand": {"parameters": "a=1&a=2&duration_seconds=43200"},
    "parameters that are none": {"parameters": "&&&="},
    "parameters with a percent": {"parameters": "a=%00%0d%0a"},
    "parameters with a fragment": {"parameters": "a=1#&b=2"},
    "parameters without end": {"parameters": "a=" + "b" * 100_000},
    "a duration below zero": {"duration-seconds": "-1"},
    "a duration beyond any": {"duration-seconds": "9" * 100},
    "a duration that is none": {"duration-seconds": "1h"},
    "containers that are not there": {"containers": "none"},
    "containers with a path": {"containers": "a,../b"},
    "an answer that is neither": {"inject": "maybe"},
    "a container that is left out": {"skip-containers": "a"},
    "something unknown": {"whatever": "x"},
    "a number": {"scope": 7},
    "a list": {"scope": ["reports:read"]},
    "null": {"scope": None},
}
CONTAINER: Final[dict[str, Any]] = {"name": "a", "image": "x"}
PODS: Final[dict[str, dict[str, Any]]] = {
    "an address of its own": {"containers": [{**CONTAINER, "env": [OWN]}]},
    "keys of its own": {"containers": [{**CONTAINER, "env": [OTHER]}]},
    "the same name twice": {"containers": [{**CONTAINER, "env": [OWN, OWN]}]},
    "all of our names": {
        "containers": [
            {**CONTAINER, "env": [{"name": n, "value": "x"} for n in ("VENDOR_URL", "AWS_REGION", "VENDOR_SCOPE")]}
        ]
    },
    "a volume of our name": {"volumes": [{"name": "vendor-token", "emptyDir": {}}]},
    "two volumes of our name": {"volumes": [{"name": "vendor-token", "emptyDir": {}}] * 2},
    "our place taken": {
        "containers": [{**CONTAINER, "volumeMounts": [{"name": "v", "mountPath": "/var/run/secrets/vendor"}]}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    },
    "a place above ours": {
        "containers": [{**CONTAINER, "volumeMounts": [{"name": "v", "mountPath": "/var/run/secrets"}]}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    },
    "our volume elsewhere": {
        "containers": [{**CONTAINER, "volumeMounts": [{"name": "vendor-token", "mountPath": "/etc"}]}]
    },
    "null for lists": {"containers": [{**CONTAINER, "env": None, "volumeMounts": None}], "volumes": None},
    "no container": {"containers": []},
    "null for containers": {"containers": None},
    "no spec to speak of": {},
    "a thousand containers": {"containers": [{"name": f"c{n}", "image": "x"} for n in range(1_000)]},
    "a thousand variables": {
        "containers": [{**CONTAINER, "env": [{"name": f"E{n}", "value": "x" * 100} for n in range(1_000)]}]
    },
    "two of one name": {"containers": [{**CONTAINER}, {**CONTAINER}]},
    "a name with slashes": {"containers": [{"name": "a/b~1~0", "image": "x"}]},
    "the host's network": {"hostNetwork": True, "hostPID": True},
    "a privileged one": {"containers": [{**CONTAINER, "securityContext": {"privileged": True}}]},
    "no token wanted": {"automountServiceAccountToken": False},
    "members of tomorrow": {"containers": [{**CONTAINER, "x-new": {"deep": [1, {"a": None}]}}], "future": [1, 2]},
    "letters beyond ASCII": {"containers": [{**CONTAINER, "env": [{"name": "\u00e4\u2028", "value": "\U0001f511"}]}]},
    "windows": {"nodeSelector": {"kubernetes.io/os": "windows"}},
    "init containers that stay": {"initContainers": [{**CONTAINER, "restartPolicy": "Always"}]},
}
MALFORMED: Final[dict[str, Any]] = {
    "null": None,
    "a number": 7,
    "a list of reviews": [review(pod())],
    "no request": {"kind": "AdmissionReview"},
    "a request that is a list": {"request": []},
    "no uid": {"request": {"object": pod(), "namespace": "analytics"}},
    "a uid that is a number": review(pod(), uid=7),
    "a pod that is null": review({}, object=None),
    "a pod that is a text": review({}, object="pod"),
    "a spec that is a list": review({"kind": "Pod", "metadata": {}, "spec": []}),
    "containers that are a text": review({"kind": "Pod", "metadata": {}, "spec": {"containers": "all"}}),
    "a container that is null": review({"kind": "Pod", "metadata": {}, "spec": {"containers": [None]}}),
    "variables that are a text": review(
        {"kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "a", "env": "X=1"}]}}
    ),
    "a variable that is null": review({"kind": "Pod", "metadata": {}, "spec": {"containers": [{"env": [None]}]}}),
    "mounts that are a number": review(
        {"kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "a", "volumeMounts": 3}]}}
    ),
    "volumes that are an object": review({"kind": "Pod", "metadata": {}, "spec": {"volumes": {}}}),
    "annotations that are a list": review({"kind": "Pod", "metadata": {"annotations": []}, "spec": {}}),
    "a container without a name": review({"kind": "Pod", "metadata": {}, "spec": {"containers": [{"image": "x"}]}}),
    "an account that is a number": review({"kind": "Pod", "metadata": {}, "spec": {"serviceAccountName": 7}}),
    "an account with a path": review(pod("../../secrets/x")),
    "an account with a query": review(pod("reporter?x=1")),
    "an account without end": review(pod("a" * 10_000)),
    "a namespace with a path": review(pod(), namespace="../kube-system"),
    "a namespace that is null": review(pod(), namespace=None),
    "brackets": b'{"request":' * 20_000,
    "no UTF-8": b'{"request":"\xff"}',
    "NaN": b'{"request":NaN}',
    "a number of digits": b'{"request":' + b"9" * 10_000 + b"}",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer() as made:
        made.accounts["analytics", "reporter"] = SCOPE
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def webhook(server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(server, tmp_path_factory.mktemp("webhook")) as running:
        yield running
        assert b'result="defect"} 0.0' in (await running.ask("GET", "/metrics"))[1]


def patched(before: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """Return a pod as a response changes it; every change adds, and in a place of its own."""
    if "patch" not in response:
        return before
    patch = json.loads(base64.b64decode(response["patch"]))
    assert {operation["op"] for operation in patch} <= {"add", "test"}
    assert all(any(place in operation["path"] for place in PLACES) for operation in patch)
    return apply(before, patch)


def kept(before: Any, after: Any) -> bool:
    """Tell whether all that was there is there still, in its order, and only more beside it."""
    if isinstance(before, dict):
        return isinstance(after, dict) and all(
            name in after and kept(value, after[name]) for name, value in before.items()
        )
    if isinstance(before, list):
        if not isinstance(after, list):
            return False
        rest = iter(after)
        return all(any(kept(one, other) for other in rest) for one in before)
    return before == after or (before is None and isinstance(after, list))


@pytest.mark.parametrize("name", PODS, ids=[f"T31 {name}" for name in PODS])
async def test_t31_nothing_of_a_pod_is_changed_or_overridden(webhook: Served, name: str) -> None:
    """T31: let in, with all that it said still there; what it said of itself wins; twice is as good as once."""
    before = pod()
    before["spec"] = {**before["spec"], **deepcopy(PODS[name])}
    after = patched(deepcopy(before), await webhook.review(review(before)))
    assert kept(before, after)
    for was, now in zip(before["spec"].get("containers") or [], after["spec"].get("containers") or [], strict=True):
        said = {one["name"] for one in was.get("env") or []}
        assert not said & {one["name"] for one in (now.get("env") or [])[len(was.get("env") or []) :]}
    assert "patch" not in await webhook.review(review(after))


@pytest.mark.parametrize("name", ANNOTATIONS, ids=[f"T31 {name}" for name in ANNOTATIONS])
async def test_t31_no_annotation_of_an_account_leads_a_pod_elsewhere(
    webhook: Served, server: ApiServer, name: str
) -> None:
    """T31: the token goes to the configured service and nowhere else, whatever the account's owner writes."""
    account = f"account-{list(ANNOTATIONS).index(name)}"
    said = {f"{PREFIX}{key}": value for key, value in ANNOTATIONS[name].items()}
    server.accounts["analytics", account] = {**SCOPE, **said}
    before = pod(account)
    after = patched(deepcopy(before), await webhook.review(review(before)))
    assert kept(before, after)
    for one in after["spec"]["containers"][0].get("env", []):
        if "://" in one["value"]:
            assert one["value"].split("/")[2] in {"vendor.vendor.svc", "169.254.170.23"}
        assert one["value"].isascii()
        assert one["value"].isprintable()
        assert "$(" not in one["value"]


@pytest.mark.parametrize("key", ["scope", "mode", "url", "audience", "parameters", "role", "policy"])
async def test_t31_an_annotation_of_the_pod_itself_grants_nothing(webhook: Served, key: str) -> None:
    """T31: who may make pods may not choose what they may have: the account says it, whose owner is another."""
    plain = await webhook.review(review(pod("nobody")))
    asked = await webhook.review(review(pod("nobody", annotations={f"{PREFIX}{key}": "admin:all"})))
    assert "patch" not in plain
    assert "patch" not in asked


@pytest.mark.parametrize("name", MALFORMED, ids=[f"T31 {name}" for name in MALFORMED])
async def test_t31_what_is_no_review_is_no_defect_and_harms_no_other(webhook: Served, name: str) -> None:
    """T31: refused, or let in as it is; and the next pod is served."""
    said = MALFORMED[name]
    status, body = await webhook.ask("POST", "/mutate", said if isinstance(said, bytes) else json.dumps(said).encode())
    assert status in (200, 400)
    if status == 200:
        response = json.loads(body)["response"]
        assert response["allowed"] is True
        assert "patch" not in response or json.loads(base64.b64decode(response["patch"]))
    assert "patch" in await webhook.review(review(pod()))


async def test_t31_those_who_do_not_finish_keep_no_other_waiting(webhook: Served) -> None:
    """T31: two hundred who begin a review over TLS and say no more, or nothing at all; the next is answered at once."""
    waiting = []
    for number in range(200):
        with suppress(OSError):
            tls, host = (webhook._tls, NAME) if number % 2 else (None, None)
            _, writer = await asyncio.open_connection("127.0.0.1", webhook.port, ssl=tls, server_hostname=host)
            writer.write(b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            waiting.append(writer)
    async with asyncio.timeout(5):
        assert "patch" in await webhook.review(review(pod()))
    for writer in waiting:
        writer.transport.abort()
    await asyncio.sleep(0.2)
    assert "patch" in await webhook.review(review(pod()))
