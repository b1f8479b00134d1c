"""The chart as the real helm renders it: a matrix of values, schemas of several Kubernetes versions, and linters."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm import tools
from tests.helm.tools import CHART, RenderError, render
from vendor.config import load

pytestmark = pytest.mark.chart

PLAIN = str(CHART / "ci" / "plain.yaml")
DIGEST = "sha256:" + "a" * 64
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}
EVERYTHING: dict[str, Any] = {
    "image": {"digest": DIGEST, "pullSecrets": ["registry"]},
    "commonLabels": {"team": "platform"},
    "scopeFiles": {
        "team-a": {
            "scopes": {
                "a:read": {
                    "grants": [{"issuer": "cluster", "where": {"namespace": "a"}}],
                    "target": "aws",
                    "mint": {"assume_role": {"role": "arn:aws:iam::111122223333:role/a"}},
                    "session": {
                        "policy": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}
                            ],
                        }
                    },
                }
            }
        }
    },
    "existingScopeConfigMaps": [{"name": "team-b", "keys": ["scopes.yaml"]}],
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/vendor"}},
    "kubernetesApi": {"enabled": True, "tokenReviews": True},
    "valkey": {"enabled": True, "image": {"digest": DIGEST}},
    "autoscaling": {"enabled": True},
    "monitoring": {"serviceMonitor": True, "podMonitor": True, "rules": True, "dashboards": True},
    "prober": {"enabled": True, "scope": "never:this"},
    "tests": {"scope": "reports:read"},
    "webhook": {"enabled": True, "region": "eu-west-1"},
    "priorityClassName": "high",
}
AGENT: dict[str, Any] = {"agent": {"enabled": True}}
CERT_MANAGER: dict[str, Any] = {
    "tls": {"source": "certManager", "certManager": {"issuerRef": {"name": "ca", "kind": "ClusterIssuer"}}},
    "webhook": {"enabled": True, "certificate": {"source": "certManager", "issuerRef": {"name": "ca"}}},
}
EXTERNAL: dict[str, Any] = {
    "store": {
        "url": "rediss://valkey.internal:6380",
        "user": "vendor",
        "passwordSecret": "valkey",
        "keysSecret": "keys",
        "options": {"prefix": "blue"},
    },
    "tls": {"source": "secret", "secretName": "from-elsewhere"},
    "podDisruptionBudget": {"enabled": False},
}
OPENSHIFT: dict[str, Any] = {**EVERYTHING, "podSecurity": {"fixedUser": False}}
PLAINTEXT: dict[str, Any] = {"tls": {"source": "none"}, "networkPolicy": {"enabled": False}}
MATRIX = {
    "plain": {},
    "everything": EVERYTHING,
    "agent": AGENT,
    "cert-manager": CERT_MANAGER,
    "external": EXTERNAL,
    "plaintext": PLAINTEXT,
    "openshift": OPENSHIFT,
}


def _rendered(tmp_path: Path, values: dict[str, Any], version: str = "4") -> list[dict[str, Any]]:
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(values))
    return render("--values", PLAIN, version=version, values=path)


def _one(objects: list[dict[str, Any]], kind: str, name: str = "here-vendor") -> dict[str, Any]:
    found = [one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name]
    assert len(found) == 1, [(one["kind"], one["metadata"]["name"]) for one in objects]
    return found[0]


def _pods(objects: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return the name and the specification of every pod that would be made."""
    found = []
    for one in objects:
        spec = one.get("spec", {})
        if one["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            found.append((f"{one['kind']} {one['metadata']['name']}", spec["template"]["spec"]))
    return found


@pytest.mark.parametrize("version", tools.HELMS)
@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_both_helms_render_the_same(tmp_path: Path, values: dict[str, Any], version: str) -> None:
    objects = _rendered(tmp_path, values, version)
    names = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects}
    assert len(names) == len(objects), "two objects of one name"
    assert {kind for kind, *_ in names} >= {"Deployment", "Service", "ServiceAccount", "ConfigMap"}


@pytest.mark.parametrize("version", tools.HELMS)
def test_helm_lint_finds_nothing(version: str) -> None:
    done = tools.run(tools.helm(version), "lint", "--strict", CHART, "--values", PLAIN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("kubernetes", ["1.27", "1.31", "1.34", "1.37"])
@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_what_is_rendered_is_valid_for_kubernetes(tmp_path: Path, values: dict[str, Any], kubernetes: str) -> None:
    foreign = ("cert-manager.io/", "monitoring.coreos.com/")
    own = [one for one in _rendered(tmp_path, values) if not one["apiVersion"].startswith(foreign)]
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.safe_dump_all(own))
    command = [tools.linter("kubernetes-validate"), "-k", kubernetes, "--strict", path]
    done = tools.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_policy_linter_finds_nothing_and_nothing_is_excepted(tmp_path: Path) -> None:
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.safe_dump_all(_rendered(tmp_path, EVERYTHING)))
    command = [tools.linter("checkov"), "-f", path, "--framework", "kubernetes", "--skip-download", "-o", "json"]
    done = tools.run(*command)
    report = json.loads(done.stdout)
    failed = [(one["check_id"], one["resource"]) for one in report["results"]["failed_checks"]]
    assert failed == []
    assert report["summary"]["passed"] > 400
    assert report["summary"]["skipped"] == 0


@pytest.mark.parametrize("values", [{}, EVERYTHING, CERT_MANAGER, EXTERNAL, PLAINTEXT, OPENSHIFT])
def test_every_pod_passes_the_restricted_pod_security_standard(tmp_path: Path, values: dict[str, Any]) -> None:
    pods = _pods(_rendered(tmp_path, values))
    assert pods
    for name, pod in pods:
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert {kind for volume in pod.get("volumes", []) for kind in volume} <= {
            "name",
            "projected",
            "configMap",
            "secret",
            "emptyDir",
        }, name
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert not any("hostPort" in port for port in container.get("ports", [])), name


def test_where_the_cluster_chooses_users_no_pod_names_one(tmp_path: Path) -> None:
    assert all("runAsUser: 65532" in yaml.safe_dump(pod) for _, pod in _pods(_rendered(tmp_path, EVERYTHING)))
    for name, pod in _pods(_rendered(tmp_path, OPENSHIFT)):
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(re.findall(r"\w+", yaml.safe_dump(pod))), name


def test_agents_can_have_a_namespace_of_their_own_and_trust_what_lies_there(tmp_path: Path) -> None:
    apart = {"agent": {"enabled": True, "namespace": "agents", "caConfigMap": "vendor-ca"}}
    objects = _rendered(tmp_path, apart)
    agents = [one for one in objects if one["metadata"].get("namespace") == "agents"]
    assert sorted(one["kind"] for one in agents) == ["DaemonSet", "ServiceAccount"]
    pod = _one(objects, "DaemonSet", "here-vendor-agent")["spec"]["template"]["spec"]
    assert pod["volumes"][0]["configMap"]["name"] == "vendor-ca"
    environment = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
    assert environment["VENDOR_URL"] == "https://here-vendor.credentials.svc"
    apart["agent"]["caConfigMap"] = ""
    pod = _one(_rendered(tmp_path, apart), "DaemonSet", "here-vendor-agent")["spec"]["template"]["spec"]
    assert "volumes" not in pod


def test_commands_that_pods_are_given_are_understood_by_the_programs(tmp_path: Path) -> None:
    objects = [*_rendered(tmp_path, EVERYTHING), *_rendered(tmp_path, AGENT)]
    known = {"agent": "vend", "webhook": "vendor", "probe": "vendor", "serve": "vendor"}
    seen = set()
    for name, pod in _pods(objects):
        for container in pod["containers"]:
            if container["name"] == "valkey":
                continue
            command = container["args"][0]
            done = tools.run(Path(sys.executable).parent / known[command], command, "--help")
            flags = {arg.partition("=")[0] for arg in container["args"] if arg.startswith("--")}
            assert flags <= set(re.findall(r"--[a-z0-9-]+", done.stdout)), name
            seen.add(command)
    assert seen == set(known)


def test_only_the_agent_asks_for_the_nodes_network_and_for_two_capabilities(tmp_path: Path) -> None:
    objects = _rendered(tmp_path, AGENT)
    agent = _one(objects, "DaemonSet", "here-vendor-agent")["spec"]["template"]["spec"]
    assert agent["hostNetwork"] is True
    assert agent["containers"][0]["securityContext"]["capabilities"] == {
        "drop": ["ALL"],
        "add": ["NET_ADMIN", "NET_BIND_SERVICE"],
    }
    assert [name for name, pod in _pods(objects) if "hostNetwork" in pod] == ["DaemonSet here-vendor-agent"]


@pytest.mark.parametrize("values", [{}, EVERYTHING, EXTERNAL, PLAINTEXT])
def test_the_configuration_that_is_rendered_is_one_that_is_served(tmp_path: Path, values: dict[str, Any]) -> None:
    objects = _rendered(tmp_path, values)
    files = _one(objects, "ConfigMap")["data"]
    pod = _one(objects, "Deployment")["spec"]["template"]["spec"]
    mounted = next(volume for volume in pod["volumes"] if volume["name"] == "config")["projected"]["sources"]
    folder = tmp_path / "etc"
    for source in mounted:
        for item in source["configMap"]["items"]:
            if item["key"] in files:
                path = folder / item["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_localised(files[item["key"]], tmp_path))
    configuration = load(folder / "vendor.yaml", environ={})
    store = configuration.store
    assert (
        (store.password, store.user, store.prefix)
        == {
            id(EVERYTHING): ("CANARY", None, "vendor"),
            id(EXTERNAL): ("CANARY", "vendor", "blue"),
        }[id(values)]
        if store
        else values in ({}, PLAINTEXT)
    )
    assert set(configuration.scopes) == {"reports:read"} | ({"a:read"} if values is EVERYTHING else set())
    assert (configuration.listen.tls is None) == (values is PLAINTEXT)


def _localised(text: str, folder: Path) -> str:
    """Point a configuration at files that are here, as the pod's mounts would."""
    for name, content in {"vendor-keys/k1": bytes(range(32)), "vendor-store/password": b"CANARY"}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        text = text.replace(f"/etc/{name}", str(path))
    return text


def test_nothing_but_what_needs_a_restart_makes_new_pods(tmp_path: Path) -> None:
    def checksum(*arguments: str) -> str:
        deployment = _one(render("--values", PLAIN, *arguments), "Deployment")
        annotation: str = deployment["spec"]["template"]["metadata"]["annotations"]["checksum/needs-restart"]
        return annotation

    before = checksum()
    assert checksum("--set", "config.scopes.reports:read.description=another") == before
    assert checksum("--set", "config.audit.on_failure=continue") != before


BAD = {
    "no pods at all": ("replicas=0", "minimum"),
    "an unknown value": ("replica=3", "replica"),
    "an unknown value inside": ("tls.sorce=none", "sorce"),
    "a digest that is none": ("image.digest=latest", "digest"),
    "an agent on every address": ("agent.address=0.0.0.0", "agent"),
    "a webhook for kube-system": ("webhook.excludedNamespaces={other}", "excludedNamespaces"),
    "tokens shorter than Kubernetes makes": ("webhook.tokenExpirationSeconds=60", "tokenExpirationSeconds"),
    "a store that is no store": ("store.url=http://valkey", "store"),
    "a password in the open": ("store.url=redis://:secret@valkey:6379", "store"),
    "an address of its own": ("config.listen.address=0.0.0.0:1", "config.listen"),
    "operators at an address of their own": ("config.operations.address=0.0.0.0:1", "config.operations"),
    "reviews without the API": ("kubernetesApi.enabled=false,kubernetesApi.tokenReviews=true", "kubernetesApi"),
    "a prober without a scope": ("prober.enabled=true", "prober.scope"),
    "a secret without a name": ("tls.source=secret", "tls.secretName"),
    "keys of the store by the way": ("store.options.encryption_keys={a}", "encryption_keys"),
    "an agent that would send tokens in clear": ("agent.enabled=true,tls.source=none", "agent.enabled"),
    "an agent of a service in clear": ("agent.url=http://vendor", "agent"),
    "a prober that would send tokens in clear": (
        "prober.enabled=true,prober.scope=never:a,tls.source=none",
        "prober.enabled",
    ),
    "a pause that outlasts the pod": ("drain.preStopSeconds=60", "drain.preStopSeconds"),
    "a pause that leaves too little": (
        "drain.preStopSeconds=16,drain.terminationGracePeriodSeconds=30",
        "at least 15 must be left",
    ),
    "a pause of an age": ("drain.preStopSeconds=590,drain.terminationGracePeriodSeconds=600", "preStopSeconds"),
    "a name that no service may have": ("fullnameOverride=1_X", "fullnameOverride"),
    "a configuration that would be passed over": ("existingConfigMap=mine", "existingConfigMap"),
    "two stores": ("valkey.enabled=true,store.url=redis://valkey:6379", "valkey.enabled"),
}


@pytest.mark.parametrize(("value", "told"), BAD.values(), ids=BAD)
def test_a_value_that_would_do_harm_is_refused_by_name(value: str, told: str) -> None:
    with pytest.raises(RenderError, match=told):
        render("--values", PLAIN, "--set", value)


def test_without_a_configuration_it_says_what_is_missing() -> None:
    with pytest.raises(RenderError, match="say whose tokens are taken"):
        render()


def test_no_role_has_a_wildcard_and_reviews_are_all_that_the_service_may_do(tmp_path: Path) -> None:
    rules = {
        one["metadata"]["name"]: one["rules"]
        for one in _rendered(tmp_path, EVERYTHING)
        if one["kind"] in {"Role", "ClusterRole"}
    }
    assert rules == {
        "credentials-here-vendor-tokenreviews": [
            {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]}
        ],
        "credentials-here-vendor-webhook": [{"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get"]}],
    }
    assert [one for one in _rendered(tmp_path, {}) if one["kind"] in {"Role", "ClusterRole"}] == []


def test_the_webhook_is_passed_over_where_it_fails_and_never_asked_about_the_system(tmp_path: Path) -> None:
    configuration = _one(
        _rendered(tmp_path, EVERYTHING), "MutatingWebhookConfiguration", "credentials-here-vendor-webhook"
    )
    webhook = configuration["webhooks"][0]
    assert webhook["failurePolicy"] == "Ignore"
    assert webhook["sideEffects"] == "None"
    excluded = webhook["namespaceSelector"]["matchExpressions"][0]
    assert excluded["operator"] == "NotIn"
    assert {"kube-system", "credentials"} <= set(excluded["values"])


def test_where_a_test_could_not_ask_there_is_none(tmp_path: Path) -> None:
    assert _one(_rendered(tmp_path, {}), "Job", "here-vendor-test")
    assert not [one for one in _rendered(tmp_path, PLAINTEXT) if one["kind"] == "Job"]


def test_names_are_short_enough_for_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump({**EVERYTHING, **AGENT, **CERT_MANAGER, "fullnameOverride": ""}))
    long = [tools.helm("4"), "template", "r" * 53, CHART, "--values", PLAIN, "--values", path, "--namespace", "n" * 63]
    done = tools.run(*long)
    assert done.returncode == 0, done.stderr
    for one in filter(None, yaml.safe_load_all(done.stdout)):
        longest = {"CronJob": 52, "Service": 63, "DaemonSet": 63, "Deployment": 63, "Job": 63}.get(one["kind"], 253)
        assert len(one["metadata"]["name"]) <= longest, one["metadata"]
        assert len(one.get("spec", {}).get("commonName", "")) <= 64, "X.509 has room for no more"


def test_what_is_needed_may_leave_and_agents_may_come(tmp_path: Path) -> None:
    objects = _rendered(tmp_path, {**EVERYTHING, **AGENT, "networkPolicy": {"egressPorts": [443, 8443]}})
    service = _one(objects, "NetworkPolicy")["spec"]
    assert {block["ipBlock"]["cidr"] for block in service["ingress"][0]["from"] if "ipBlock" in block} == {
        "0.0.0.0/0",
        "::/0",
    }
    (identity,) = [rule for rule in service["egress"] if rule["ports"] == [{"port": 80, "protocol": "TCP"}]]
    blocks = {block["ipBlock"]["cidr"] for block in identity["to"]}
    assert {"169.254.170.23/32", "fd00:ec2::23/128"} <= blocks, "EKS Pod Identity"
    webhook = _one(objects, "NetworkPolicy", "here-vendor-webhook")["spec"]
    ports = {one["port"] for rule in webhook["egress"] for one in rule["ports"]}
    assert ports == {53, 443, 8443}, "an API server may be somewhere else"


def test_load_kills_no_pod(tmp_path: Path) -> None:
    """A probe that is answered late, or refused as all others are at that moment, is no reason to start anew."""
    for name, pod in _pods([*_rendered(tmp_path, EVERYTHING), *_rendered(tmp_path, AGENT)]):
        for container in pod["containers"]:
            probe = container.get("livenessProbe")
            if probe and "httpGet" in probe:
                assert probe["timeoutSeconds"] >= 5, name
                assert probe["failureThreshold"] >= 6, name
    agent = _one(_rendered(tmp_path, AGENT), "DaemonSet", "here-vendor-agent")
    assert "tcpSocket" in agent["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]


def test_values_that_yaml_would_take_for_something_else_stay_what_they_are(tmp_path: Path) -> None:
    odd = {
        "webhook": {"enabled": True, "audience": "a: b #c", "region": "x: 1"},
        "image": {"pullSecrets": ["123"]},
        "priorityClassName": "123",
    }
    objects = _rendered(tmp_path, odd)
    pod = _one(objects, "Deployment", "here-vendor-webhook")["spec"]["template"]["spec"]
    assert {"--audience=a: b #c", "--region=x: 1"} <= set(pod["containers"][0]["args"])
    assert pod["imagePullSecrets"] == [{"name": "123"}]
    assert _one(objects, "Deployment")["spec"]["template"]["spec"]["priorityClassName"] == "123"


def test_a_chart_can_be_packed(tmp_path: Path) -> None:
    done = tools.run(tools.helm("4"), "package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["vendor-0.1.0.tgz"]


def test_each_alert_leads_to_its_runbook_where_you_publish_them() -> None:
    url = "https://wiki.example/vendor/"
    said = f"monitoring.rules=true,monitoring.dashboards=true,monitoring.runbooks={url}"
    rendered = render("--set", said, "--values", PLAIN)
    (rules,) = [one for one in rendered if one["kind"] == "PrometheusRule"]
    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    assert len(alerts) >= 20
    for alert in alerts:
        assert alert["annotations"]["runbook_url"].startswith(url), alert
    boards = [text for one in rendered if "-dashboard-" in one["metadata"]["name"] for text in one["data"].values()]
    links = [link["url"] for text in boards for panel in json.loads(text)["panels"] for link in panel.get("links", ())]
    assert len(boards) == 4
    assert {link.startswith(url) for link in links} == {True}
