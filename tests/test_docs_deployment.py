"""What docs/deployment.md shows is so: the unit, the composed services, and the configuration that they serve."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.fakes.valkey import HOST, Valkey
from tests.redis.test_places import with_valkey
from tests.service import ROOT, served
from vendor.config import load

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "docs" / "deploy"
PAGE = (ROOT / "docs" / "deployment.md").read_text("utf-8")
(STEPS,) = re.findall(r"```sh\n(cd docs/deploy\n.*?)```", PAGE, re.DOTALL)
COMPOSED: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """The folder after the commands that are shown, but for the last one."""
    folder = tmp_path / "docs" / "deploy"
    shutil.copytree(FOLDER, folder)
    *steps, last = STEPS.splitlines()
    assert last == "docker compose up --detach"
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "CANARY"}
    script = "\n".join(["set -eu", *steps])
    subprocess.run(["/bin/sh", "-c", script], cwd=tmp_path, env=environ, check=True, capture_output=True)  # noqa: S603
    return folder


def _localised(folder: Path, store: str) -> str:
    text = (folder / "vendor.yaml").read_text("utf-8").replace("/run/secrets", str(folder / "secrets"))
    return (
        text.replace("0.0.0.0:8080", "127.0.0.1:0").replace("0.0.0.0:9090", "127.0.0.1:0").replace("valkey:6379", store)
    )


def test_every_secret_and_file_that_is_mounted_is_made_or_there(deployed: Path) -> None:
    assert all((deployed / secret["file"]).is_file() for secret in COMPOSED["secrets"].values())
    for service in COMPOSED["services"].values():
        assert set(service.get("secrets", [])) <= set(COMPOSED["secrets"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSED["volumes"] or (FOLDER / source).exists(), volume


def test_the_services_ask_for_nothing_and_show_nothing_inner() -> None:
    for name, service in COMPOSED["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.search(r":v?\d+\.\d+\.\d+", service["image"]), name
    shown = {name: service["ports"] for name, service in COMPOSED["services"].items() if "ports" in service}
    assert shown == {"vendor": ["8443:8080"], "grafana": ["127.0.0.1:3000:3000"]}
    assert COMPOSED["networks"]["inside"]["internal"] is True


@with_valkey
async def test_the_configuration_serves_with_its_store(deployed: Path) -> None:
    password = (deployed / "secrets" / "valkey-password").read_text().strip()
    async with Valkey() as server, server.client() as admin:
        await admin.config_set("requirepass", password)
        text = _localised(deployed, f"{HOST}:{server.port}")
        async with served(
            text, deployed, environ={"AWS_CONFIG_FILE": str(deployed / "secrets" / "aws-config")}
        ) as service:
            assert service.public.startswith("https://")
    assert load(deployed / "vendor.yaml", environ={}).store


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_is_sound_and_hardly_exposed(tmp_path: Path) -> None:
    unit = tmp_path / "vendor.service"
    unit.write_text((FOLDER / "vendor.service").read_text("utf-8").replace("/opt/vendor/bin/vendor", "/bin/true"))
    for command in (["verify", unit], ["security", "--offline=true", "--threshold=15", unit]):
        done = subprocess.run(["systemd-analyze", *map(str, command)], capture_output=True, text=True, check=False)  # noqa: S603, S607
        assert done.returncode == 0, done.stdout + done.stderr
        assert command[0] == "security" or not done.stderr, done.stderr


def test_prometheus_finds_the_service_and_its_rules() -> None:
    prometheus = yaml.safe_load((FOLDER / "prometheus.yaml").read_text("utf-8"))
    (job,) = prometheus["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["vendor:9090"]}]
    assert any(
        "helm/vendor/rules:/etc/prometheus/rules" in one for one in COMPOSED["services"]["prometheus"]["volumes"]
    )
    assert prometheus["rule_files"] == ["/etc/prometheus/rules/*.yaml"]
    (provider,) = yaml.safe_load((FOLDER / "dashboards.yaml").read_text("utf-8"))["providers"]
    mounts = [one.split(":")[:2] for one in COMPOSED["services"]["grafana"]["volumes"]]
    assert ["../../helm/vendor/dashboards", provider["options"]["path"]] in mounts
    (source,) = yaml.safe_load((FOLDER / "grafana.yaml").read_text("utf-8"))["datasources"]
    assert source["url"] == "http://prometheus:9090"
