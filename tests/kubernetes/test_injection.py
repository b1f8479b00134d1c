"""What a pod gets for its service account's annotations, what it keeps, and that twice is as good as once (T31)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kubernetes.patching import apply
from vendor.kubernetes.annotations import AnnotationError, Mode, Wanted, read_annotations
from vendor.kubernetes.injection import DECISIVE, TOKEN_FILE, Places, inject

PLACES = Places(
    service_url="https://vendor.vendor.svc",
    agent_url="http://169.254.170.23",
    token_expiration=3600,
    region="eu-west-1",
)
FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN = {"serviceAccountToken": {"audience": "vendor", "expirationSeconds": 3600, "path": "token"}}
VOLUME = {"name": "vendor-token", "projected": {"sources": [TOKEN]}}
MOUNT = {"name": "vendor-token", "mountPath": "/var/run/secrets/vendor", "readOnly": True}


def wanted(**annotations: str) -> Wanted:
    said = {f"vendor.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}
    found = read_annotations({"vendor.dev/scope": "reports:read", **said}, mode=Mode.DIRECT, audience="vendor")
    assert found
    return found


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": list(containers), **spec}}


def injected(before: dict[str, Any], want: Wanted | None = None, *, ephemeral: bool = False) -> dict[str, Any]:
    return apply(before, inject(before, want or wanted(), PLACES, ephemeral=ephemeral).patch)


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container.get("env", [])}


def test_a_pod_gets_a_token_and_every_container_where_to_go_with_it() -> None:
    after = injected(pod({"name": "a"}, {"name": "b"}, initContainers=[{"name": "i"}]))["spec"]
    assert after["volumes"] == [VOLUME]
    for container in (*after["containers"], *after["initContainers"]):
        assert container["volumeMounts"] == [MOUNT]
        assert environment(container) == {
            FULL_URI: "https://vendor.vendor.svc/v1/credentials/reports:read",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": TOKEN_FILE,
            "VENDOR_URL": "https://vendor.vendor.svc",
            "VENDOR_SCOPE": "reports:read",
            "VENDOR_TOKEN_FILE": TOKEN_FILE,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }


def test_the_modes_say_where_to_go() -> None:
    agent = injected(pod({"name": "a"}), wanted(mode="agent", parameters="month=2026-03&team=a b"))
    assert environment(agent["spec"]["containers"][0])[FULL_URI] == (
        "http://169.254.170.23/v1/credentials/reports:read?month=2026-03&team=a+b"
    )
    sts = environment(injected(pod({"name": "a"}), wanted(mode="sts"))["spec"]["containers"][0])
    assert FULL_URI not in sts
    assert sts["AWS_ROLE_ARN"] == "arn:aws:iam::000000000000:role/reports:read"
    assert sts["AWS_WEB_IDENTITY_TOKEN_FILE"] == TOKEN_FILE
    assert sts["AWS_ENDPOINT_URL_STS"] == "https://vendor.vendor.svc/sts"


def test_a_duration_goes_with_the_parameters_and_sts_can_carry_neither() -> None:
    direct = injected(pod({"name": "a"}), wanted(duration_seconds="1800"))
    assert environment(direct["spec"]["containers"][0])[FULL_URI].endswith("reports:read?duration_seconds=1800")
    told = inject(pod({"name": "a"}), wanted(mode="sts", duration_seconds="1800"), PLACES, ephemeral=False).warnings
    assert told == ["vendor.dev: the mode sts can carry neither parameters nor a duration"]


@pytest.mark.parametrize("name", sorted(DECISIVE))
@pytest.mark.parametrize("how", [{"value": "theirs"}, {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}])
def test_a_container_that_has_decided_is_left_as_it_is_and_its_author_is_told(name: str, how: dict[str, Any]) -> None:
    before = pod({"name": "theirs", "env": [{"name": name, **how}]}, {"name": "ours"})
    found = inject(before, wanted(), PLACES, ephemeral=False)
    after = apply(before, found.patch)["spec"]["containers"]
    assert after[0] == before["spec"]["containers"][0]
    assert FULL_URI in environment(after[1])
    assert found.warnings == [f"vendor.dev: container theirs is left as it is, since it sets {name}"]


def test_a_region_of_their_own_and_a_mount_of_their_own_stay() -> None:
    mount = {"name": "vendor-token", "mountPath": "/var/run/secrets/vendor/"}
    before = pod(
        {"name": "a", "env": [{"name": "AWS_REGION", "value": "us-east-1"}], "volumeMounts": [mount]}, volumes=[VOLUME]
    )
    after = injected(before)["spec"]
    assert environment(after["containers"][0])["AWS_REGION"] == "us-east-1"
    assert "AWS_DEFAULT_REGION" not in environment(after["containers"][0])
    assert after["containers"][0]["volumeMounts"] == [mount]
    assert after["volumes"] == [VOLUME]


def test_another_volume_of_our_name_stays_and_nothing_is_injected() -> None:
    before = pod({"name": "a"}, volumes=[{"name": "vendor-token", "emptyDir": {}}])
    found = inject(before, wanted(), PLACES, ephemeral=False)
    assert found.patch == []
    assert found.warnings


def test_containers_can_be_passed_over() -> None:
    after = injected(pod({"name": "istio-proxy"}, {"name": "app"}), wanted(skip_containers="other, istio-proxy"))
    assert "env" not in after["spec"]["containers"][0]
    assert "env" in after["spec"]["containers"][1]


def test_an_ephemeral_container_joins_a_pod_that_has_the_token_and_no_other() -> None:
    debugged = {**injected(pod({"name": "a"}))["spec"], "ephemeralContainers": [{"name": "debug"}]}
    after = injected({"kind": "Pod", "spec": debugged}, ephemeral=True)["spec"]
    assert FULL_URI in environment(after["ephemeralContainers"][0])
    assert after["containers"] == debugged["containers"]
    bare = {"kind": "Pod", "spec": {"containers": [{"name": "a"}], "ephemeralContainers": [{"name": "debug"}]}}
    assert inject(bare, wanted(), PLACES, ephemeral=True).patch == []


def test_pods_of_windows_are_left_as_they_are() -> None:
    found = inject(pod({"name": "a"}, os={"name": "windows"}), wanted(), PLACES, ephemeral=False)
    assert found.patch == []
    assert found.warnings


_ENV = st.lists(
    st.builds(
        lambda name, value: {"name": name, **value},
        st.sampled_from([*sorted(DECISIVE), "AWS_REGION", "VENDOR_URL", "OTHER"]),
        st.sampled_from(
            [{"value": "x"}, {"value": ""}, {}, {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
        ),
    ),
    max_size=3,
    unique_by=lambda one: one["name"],
)
_CONTAINERS = st.lists(
    st.builds(
        lambda name, env, mounts: {"name": name, **({"env": env} if env is not None else {}), **mounts},
        st.sampled_from(["a", "b", "c"]),
        st.none() | _ENV,
        st.sampled_from([{}, {"volumeMounts": []}, {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}]),
    ),
    min_size=1,
    max_size=3,
)


@given(
    containers=_CONTAINERS,
    init=st.none() | _CONTAINERS,
    volumes=st.sampled_from([None, [], [{"name": "data", "emptyDir": {}}]]),
    mode=st.sampled_from(list(Mode)),
)
def test_a_pod_that_went_through_twice_is_unchanged_the_second_time_and_loses_nothing(
    containers: list[dict[str, Any]], init: list[dict[str, Any]] | None, volumes: Any, mode: Mode
) -> None:
    more = {name: value for name, value in (("initContainers", init), ("volumes", volumes)) if value is not None}
    before, want = pod(*containers, **more), wanted(mode=mode)
    once = injected(before, want)
    assert inject(once, want, PLACES, ephemeral=False).patch == []
    for name in ("containers", "initContainers"):
        for old, new in zip(before["spec"].get(name, []), once["spec"].get(name, []), strict=True):
            assert new.get("env", [])[: len(old.get("env", []))] == old.get("env", [])
            assert {key: value for key, value in new.items() if key not in {"env", "volumeMounts"}} == {
                key: value for key, value in old.items() if key not in {"env", "volumeMounts"}
            }
    assert once["spec"].get("volumes", [])[: len(volumes or [])] == (volumes or [])


BAD = {
    "scope": "Reports Read",
    "scope ": "../x",
    "mode": "magic",
    "audience": "",
    "parameters": "month",
    "parameters ": "a=1&a=2",
    "parameters  ": "A-b=1",
    "parameters   ": "a=%FF",
    "duration-seconds": "1h",
    "colour": "red",
}


@pytest.mark.parametrize(("name", "value"), BAD.items())
def test_an_annotation_that_would_not_do_what_its_author_means_is_named(name: str, value: str) -> None:
    said = {"vendor.dev/scope": "reports:read", f"vendor.dev/{name.strip()}": value}
    with pytest.raises(AnnotationError, match=f"vendor.dev/{name.strip()}"):
        read_annotations(said, mode=Mode.DIRECT, audience="vendor")


def test_a_duration_is_said_once() -> None:
    with pytest.raises(AnnotationError, match="has a name twice"):
        wanted(parameters="duration_seconds=900", duration_seconds="1800")


def test_no_value_is_read_that_is_too_long() -> None:
    with pytest.raises(AnnotationError, match="too long"):
        wanted(parameters="a=" + "x" * 2_000)


@pytest.mark.parametrize("said", [{}, {"eks.amazonaws.com/role-arn": "x"}, {"vendor.dev/mode": "agent"}])
def test_without_a_scope_nothing_is_wanted(said: dict[str, str]) -> None:
    assert read_annotations(said, mode=Mode.DIRECT, audience="vendor") is None


def test_an_account_can_decline() -> None:
    said = {"vendor.dev/scope": "reports:read", "vendor.dev/inject": "false"}
    assert read_annotations(said, mode=Mode.DIRECT, audience="vendor") is None
