from __future__ import annotations

import asyncio
import venv
import zipfile
from pathlib import Path

import pytest

from vendor.demo.environment import cache_folder, pinned, prepare
from vendor.demo.failure import DemoFailed

pytestmark = pytest.mark.thorough


@pytest.fixture
def requirements(tmp_path: Path) -> str:
    """Return requirements that a folder satisfies, without any registry: one distribution of one module."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    metadata = "tiny_cloud-1.0.dist-info"
    with zipfile.ZipFile(wheels / "tiny_cloud-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_cloud.py", "WEATHER = 'fair'\n")
        wheel.writestr(f"{metadata}/METADATA", "Metadata-Version: 2.1\nName: tiny-cloud\nVersion: 1.0\n")
        wheel.writestr(f"{metadata}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{metadata}/RECORD", "")
    return f"--no-index\n--find-links {wheels}\ntiny-cloud==1.0\n"


async def weather(python: Path) -> str:
    told = await asyncio.create_subprocess_exec(
        str(python), "-I", "-c", "import tiny_cloud; print(tiny_cloud.WEATHER)", stdout=asyncio.subprocess.PIPE
    )
    return (await told.communicate())[0].decode().strip()


def looks_complete(cache: Path) -> bool:
    return any(cache.glob("*/complete"))


async def test_the_environment_holds_what_is_required_and_progress_is_told(tmp_path: Path, requirements: str) -> None:
    said: list[str] = []
    python = await prepare(cache=tmp_path / "cache", requirements=requirements, progress=said.append)
    assert await weather(python) == "fair"
    assert said[0] == "making an environment for the embedded cloud"
    assert "fetching tiny_cloud 1.0 (1 of 1)" in said


async def test_a_python_without_pip_does_as_well(tmp_path: Path, requirements: str) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    program = (
        f"import asyncio, pathlib, sys; sys.path.append({str(Path(__file__).parents[2])!r})\n"
        "from vendor.demo.environment import prepare\n"
        f"cache, requirements = pathlib.Path({str(tmp_path)!r}), {requirements!r}\n"
        "print(asyncio.run(prepare(cache=cache, requirements=requirements, progress=lambda _: None)))"
    )
    bare = await asyncio.create_subprocess_exec(
        str(tmp_path / "bare" / "bin" / "python"), "-I", "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert await weather(Path((await bare.communicate())[0].decode().strip())) == "fair"


async def test_a_second_start_takes_what_is_there(tmp_path: Path, requirements: str) -> None:
    first = await prepare(cache=tmp_path, requirements=requirements, progress=lambda _: None)
    said: list[str] = []
    assert await prepare(cache=tmp_path, requirements=requirements, progress=said.append) == first
    assert said == []


async def test_two_starts_at_once_make_one_environment(tmp_path: Path, requirements: str) -> None:
    said: list[str] = []
    pythons = await asyncio.gather(
        *(prepare(cache=tmp_path, requirements=requirements, progress=said.append) for _ in range(2))
    )
    assert pythons[0] == pythons[1]
    assert said.count("making an environment for the embedded cloud") == 1
    assert said.count("waiting: another start is preparing the same environment") == 1


async def test_an_environment_that_was_cut_off_or_lost_its_python_is_made_again(
    tmp_path: Path, requirements: str
) -> None:
    python = await prepare(cache=tmp_path, requirements=requirements, progress=lambda _: None)
    folder = python.parents[1]
    for lost in (folder / "complete", python):
        next(folder.glob("lib/python*/site-packages/tiny_cloud.py")).unlink()
        lost.unlink()
        again = await prepare(cache=tmp_path, requirements=requirements, progress=lambda _: None)
        assert await weather(again) == "fair"


async def test_other_requirements_get_an_environment_of_their_own(tmp_path: Path, requirements: str) -> None:
    first = await prepare(cache=tmp_path, requirements=requirements, progress=lambda _: None)
    other = await prepare(cache=tmp_path, requirements=requirements + "\n", progress=lambda _: None)
    assert first != other


async def test_a_failing_pip_is_heard_in_its_own_words_and_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    requirements = "--no-index\nno-such-distribution==1.0\n"
    with pytest.raises(DemoFailed) as told:
        await prepare(cache=tmp_path, requirements=requirements, progress=lambda _: None)
    first, *tail = str(told.value).splitlines()
    assert first == "`-m pip` failed for the embedded cloud:"
    assert any("No matching distribution found for no-such-distribution==1.0" in line for line in tail)
    assert len(tail) <= 8
    assert not looks_complete(tmp_path)


async def test_a_wrong_hash_is_refused(tmp_path: Path, requirements: str) -> None:
    wrong = requirements.replace("==1.0", f"==1.0 --hash=sha256:{'0' * 64}")
    with pytest.raises(DemoFailed, match=r"(?s)HASHES|hash"):
        await prepare(cache=tmp_path, requirements=wrong, progress=lambda _: None)


async def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DemoFailed, match="set VENDOR_DEMO_CACHE to a folder that can be written"):
        await prepare(cache=tmp_path / "file" / "cache", requirements="", progress=lambda _: None)


def test_every_requirement_of_the_cloud_is_pinned_with_hashes_and_none_names_a_host() -> None:
    entries = [entry for entry in pinned().replace("\\\n", " ").splitlines() if entry.strip()]
    assert any(entry.startswith("ministack==") for entry in entries)
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert "://" not in pinned()


def test_a_checkout_keeps_its_own_cache_and_a_variable_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VENDOR_DEMO_CACHE", raising=False)
    assert cache_folder() == Path(__file__).resolve().parents[2] / ".demo"
    monkeypatch.setenv("VENDOR_DEMO_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
