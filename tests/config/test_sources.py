"""Sources and loading apart: every change of what was read is seen, and a reader that fails is no configuration."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vendor.config import ConfigurationError, load
from vendor.config import apart as apart_module
from vendor.config.apart import UnfinishedError, load_apart
from vendor.config.files import Sources, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE = Path(__file__).parents[2] / "config" / "vendor.yaml"


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """Return sources that know one file, one that is missing, and a pattern."""
    made = Sources()
    (tmp_path / "main").write_text("a")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "one.yaml").write_text("a")
    made.contents(tmp_path / "main", most=10)
    with pytest.raises(UnreadableError):
        made.contents(tmp_path / "missing", most=10)
    assert made.matching(tmp_path, "more/*.yaml") == [tmp_path / "more" / "one.yaml"]
    return made


def _renamed_over(folder: Path) -> None:
    (folder / "new").write_text("a")
    (folder / "new").rename(folder / "main")


def _same_size(folder: Path) -> None:
    (folder / "main").write_text("b")
    os.utime(folder / "main", ns=(1, 1))


CHANGES: dict[str, Callable[[Path], object]] = {
    "written": lambda folder: (folder / "main").write_text("ab"),
    "written with as many bytes": _same_size,
    "renamed over": _renamed_over,
    "closed": lambda folder: (folder / "main").chmod(0),
    "taken away": lambda folder: (folder / "main").unlink(),
    "come": lambda folder: (folder / "missing").write_text("a"),
    "one more that fits": lambda folder: (folder / "more" / "two.yaml").write_text(""),
    "one more that leads nowhere": lambda folder: (folder / "more" / "two.yaml").symlink_to("nowhere"),
    "one less that fits": lambda folder: (folder / "more" / "one.yaml").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen_also_by_a_copy(tmp_path: Path, sources: Sources, change: Callable[[Path], object]) -> None:
    copy = pickle.loads(pickle.dumps(sources))  # noqa: S301 - our own
    assert not sources.changed()
    assert not copy.changed()
    change(tmp_path)
    assert sources.changed()
    assert copy.changed()


@pytest.mark.parametrize("name", ["other", "more/.one.yaml.swp", "more/one.txt", "more/folder.yaml/x"])
def test_what_is_none_of_it_is_not(tmp_path: Path, sources: Sources, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    assert not sources.changed()


async def test_what_is_loaded_apart_is_what_is_loaded_here() -> None:
    sources, found = await load_apart(EXAMPLE)
    assert not isinstance(found, ConfigurationError)
    here = load(EXAMPLE, environ=os.environ)
    for name in ("listen", "operations", "audit", "issuers", "targets", "scopes", "files", "warnings"):
        assert getattr(found, name) == getattr(here, name)
    assert type(found.scopes) is type(here.scopes)
    assert found.sources is sources
    assert not sources.changed()


async def test_what_is_wrong_is_found_apart_as_it_is_here(tmp_path: Path) -> None:
    file = tmp_path / "vendor.yaml"
    file.write_text("version: 2\n")
    _, found = await load_apart(file)
    with pytest.raises(ConfigurationError) as here:
        load(file, environ={})
    assert isinstance(found, ConfigurationError)
    assert found.findings == here.value.findings


async def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "vendor.yaml")
    _, found = await load_apart(tmp_path / "vendor.yaml")
    assert isinstance(found, ConfigurationError)
    assert "no regular file" in str(found)


async def test_a_reader_that_does_not_come_to_an_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(UnfinishedError, match="TimeoutError"):
        await load_apart(EXAMPLE, seconds=0.01)


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "import os; os.abort()", "pass"])
async def test_a_reader_that_fails_says_nothing_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(apart_module, "_CODE", code)
    with pytest.raises(UnfinishedError):
        await load_apart(EXAMPLE)


async def test_a_reader_that_cannot_be_started_says_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(UnfinishedError, match="FileNotFoundError"):
        await load_apart(EXAMPLE)


async def test_nothing_is_imported_from_the_folder_that_we_were_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    _, found = await load_apart(EXAMPLE)
    assert not isinstance(found, ConfigurationError)
