"""The locks under requirements/: hashed, of one mind, sufficient for pyproject.toml, and silent about where from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
LOCKS = ["server", "demo", "dev"]
ALL = [*LOCKS, "build", "sbom", "attacks"]
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==([^ ;\\]+)", re.MULTILINE)


def _text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")


def _pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall(_text(lock)))


def _wanted(extra: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needs = [Requirement(need) for need in project["optional-dependencies"][extra]]
    within = [need for own in needs if own.name == project["name"] for each in own.extras for need in _wanted(each)]
    return [need for need in needs if need.name != project["name"]] + within


@pytest.mark.parametrize("lock", ALL)
def test_a_lock_names_no_host_and_no_place(lock: str) -> None:
    assert not re.search(r"://|^-|^\s*--(?!hash=sha256:)|@ |/(home|root|tmp|opt|work)/", _text(lock), re.MULTILINE)


@pytest.mark.parametrize("lock", ALL)
def test_everything_in_a_lock_is_pinned_and_hashed(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", "\n" + re.sub(r"^ *#.*\n", "", _text(lock), flags=re.MULTILINE))[1:]
    assert len(blocks) == len(_pins(lock)) > 0
    assert all(PIN.match(block) and "--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_meets_what_the_project_asks_for(lock: str) -> None:
    pins = _pins(lock)
    unmet = [
        str(need) for need in _wanted(lock) if not need.specifier.contains(pins.get(need.name.replace(".", "-"), ""))
    ]
    assert unmet == []


def test_the_smaller_locks_agree_with_the_larger_one() -> None:
    assert _pins("server").items() <= _pins("demo").items() <= _pins("dev").items()
    assert _pins("build").items() <= _pins("dev").items()
