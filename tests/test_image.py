"""The image: what its Dockerfile promises at a look, and, by `make test-image`, what a built one does."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
STEPS = re.findall(r"^([A-Z]+) ((?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE)
LAST = STEPS[max(index for index, (name, _) in enumerate(STEPS) if name == "FROM") :]


def test_the_base_is_named_once_by_an_exact_version_and_can_be_replaced() -> None:
    assert [value for name, value in STEPS if name == "FROM"] == ["${BASE} AS build", "${BASE}"]
    base = next(value for name, value in STEPS if name == "ARG" and value.startswith("BASE="))
    assert re.fullmatch(r"BASE=\S+:3\.\d+\.\d+-slim-[a-z]+", base)


def test_it_runs_as_a_number_that_is_not_root_without_a_shell_and_without_a_health_check() -> None:
    last = dict(LAST)
    assert last["USER"] == "65532:65532"
    assert last["ENTRYPOINT"].startswith('["/')
    assert last["CMD"].startswith('["')
    assert not {"RUN", "HEALTHCHECK", "VOLUME", "ADD"} & {name for name, _ in LAST}


def test_nothing_is_installed_but_from_a_hashed_lock() -> None:
    installs = re.findall(r"pip[^\\\n&]* install ([^\\\n&]*)", DOCKERFILE)
    assert len(installs) == 3
    assert all("--no-deps" in one and ("--require-hashes" in one or "--no-index" in one) for one in installs)
    assert "://" not in DOCKERFILE.split("FROM", 1)[1]


def test_everything_that_is_copied_is_let_through_to_the_builder_and_nothing_else() -> None:
    let = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copies = [value.split()[:-1] for name, value in STEPS if name == "COPY" and "--from" not in value]
    assert {source for sources in copies for source in sources} == let
    assert all((ROOT / path).exists() for path in let)


def _run(*command: str, seconds: int = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds)  # noqa: S603


BASE = "localhost/vendor-test-base:3.11.2-slim-bookworm"
IMAGE = "localhost/vendor-test:latest"
PODMAN = ("podman", "--runtime", "runc", "--cgroup-manager=cgroupfs", "run", "--rm", "--network=host")
LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--read-only", "--cap-drop=ALL")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image as `make image` builds it, on a base made of Debian's own packages: no registry can be had here."""
    missing = [tool for tool in ("buildah", "podman", "runc", "mmdebstrap") if shutil.which(tool) is None]
    if missing:
        pytest.fail(f"this needs {', '.join(missing)}: apt-get install buildah podman runc mmdebstrap")
    if _run("buildah", "inspect", "--type", "image", BASE).returncode:
        archive = tmp_path_factory.mktemp("base") / "base.tar"
        packages = "--include=python3,python3-venv,python3-pip,python-is-python3,ca-certificates"
        made = _run("mmdebstrap", "--variant=minbase", packages, "bookworm", str(archive))
        assert made.returncode == 0, made.stderr[-2000:]
        container = _run("buildah", "from", "scratch").stdout.strip()
        for step in (["add", container, str(archive), "/"], ["commit", container, BASE], ["rm", container]):
            done = _run("buildah", *step)
            assert done.returncode == 0, done.stderr
    certificates = "-v=/etc/ssl/certs:/etc/ssl/certs:ro"
    built = _run(
        *("buildah", "bud", "--isolation=chroot", "--format=docker", "--pull-never", certificates),
        *("--build-arg", f"BASE={BASE}", "--build-arg", "REVISION=tested", "--tag", IMAGE, str(ROOT)),
    )
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    yield IMAGE
    _run("buildah", "rmi", IMAGE)


@pytest.mark.image
def test_a_built_image_checks_a_configuration_with_a_read_only_root(image: str) -> None:
    mount = f"--volume={ROOT / 'config'}:/etc/vendor:ro"
    done = _run(*PODMAN, *LIMITS, mount, image, "check", "/etc/vendor/vendor.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "/etc/vendor/vendor.yaml: good: 3 issuers, 3 scopes\n"


@pytest.mark.image
def test_a_built_image_serves_until_sigterm_and_holds_no_pip(
    image: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("etc")
    text = (ROOT / "config" / "vendor.yaml").read_text("utf-8")
    text = text.replace("0.0.0.0:8080", "127.0.0.1:0").replace("0.0.0.0:9090", "127.0.0.1:0")
    (folder / "vendor.yaml").write_text(text)
    folder.chmod(0o755)  # the user of the image is another one
    name = f"vendor-test-{time.monotonic_ns()}"
    command = [*PODMAN, *LIMITS, f"--name={name}", f"--volume={folder}:/etc/vendor:ro", image]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:  # noqa: S603
        assert served.stderr
        told: list[str] = []
        try:
            while not (told and ('"listening"' in told[-1] or not told[-1])):
                told.append(served.stderr.readline())
            assert "127.0.0.1" in told[-1], told
        finally:
            stopped = _run("podman", "--runtime", "runc", "--cgroup-manager=cgroupfs", "stop", "--time=20", name)
        assert stopped.returncode == 0, stopped.stderr
        assert served.wait(30) == 0
    who = _run(*PODMAN, *LIMITS, "--entrypoint=/opt/vendor/bin/python", image, "-c", "import os; print(os.getuid())")
    assert who.stdout == "65532\n"
    pip = _run(*PODMAN, *LIMITS, "--entrypoint=/opt/vendor/bin/python", image, "-m", "pip", "--version")
    assert pip.returncode != 0
