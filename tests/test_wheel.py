"""The wheel as a user gets it: the package, the licence, two commands, and no dependency."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from configparser import ConfigParser
from email import message_from_string
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    _run(*build, str(ROOT))
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands' folder of an environment that holds the wheel and nothing else."""
    home = tmp_path_factory.mktemp("bare")
    _run(sys.executable, "-m", "venv", str(home))
    _run(str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-index", str(wheel))
    return home / "bin"


def test_it_holds_the_whole_package_and_nothing_beside_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "vendor/exchange.py" in names
    assert "vendor/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"vendor", _info(wheel)}
    tracked = {path.relative_to(ROOT).as_posix() for path in (ROOT / "vendor").rglob("*") if _is_source(path)}
    assert {name for name in names if name.startswith("vendor/")} == tracked


def test_it_names_its_two_commands_its_licence_and_its_extras(wheel: Path) -> None:
    commands = ConfigParser()
    commands.read_string(_read(wheel, "entry_points.txt"))
    assert dict(commands["console_scripts"]) == {"vendor": "vendor.started:vendor", "vend": "vendor.started:vend"}
    assert _metadata(wheel)["License-Expression"] == "Apache-2.0"
    assert "Apache License" in _read(wheel, "licenses/LICENSE")
    assert _metadata(wheel).get_all("Provides-Extra") == ["attacks", "demo", "dev", "lint", "otel", "sbom", "server"]


def test_without_an_extra_it_needs_nothing(wheel: Path) -> None:
    assert all("; extra ==" in need or "and extra ==" in need for need in _metadata(wheel).get_all("Requires-Dist", []))


def test_bare_the_client_works(bare: Path) -> None:
    done = _run(str(bare / "vend"), "--help")
    assert "vend" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["serve"], ["check", "vendor.yaml"]], ids=["vendor", "serve", "check"])
def test_bare_the_service_says_in_one_line_which_extra_it_wants(bare: Path, arguments: list[str]) -> None:
    command = [str(bare / "vendor"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - what we just installed
    assert done.returncode != 0
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1
    assert "credential-vendor[server]" in done.stderr


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - commands of this file
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _info(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    return f"{name}-{version}.dist-info"


def _read(wheel: Path, name: str) -> str:
    return zipfile.ZipFile(wheel).read(f"{_info(wheel)}/{name}").decode()


def _metadata(wheel: Path) -> Message:
    return message_from_string(_read(wheel, "METADATA"))
