"""Files that change while we serve: kept whole or not at all, and read again when they are replaced."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from vendor.files import Changes, Followed, KeptFile

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_kept_is_read_again_by_its_owner_alone(tmp_path: Path) -> None:
    KeptFile(tmp_path / "keys").write(b"first")
    KeptFile(tmp_path / "keys").write(b"second")
    assert KeptFile(tmp_path / "keys").read() == b"second"
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "keys"]


def test_nothing_was_kept_yet(tmp_path: Path) -> None:
    assert KeptFile(tmp_path / "keys").read() is None


def test_a_file_that_everybody_can_write_is_not_read(tmp_path: Path) -> None:
    KeptFile(tmp_path / "keys").write(b"x")
    (tmp_path / "keys").chmod(0o646)
    with pytest.raises(PermissionError):
        KeptFile(tmp_path / "keys").read()


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    KeptFile(tmp_path / "keys").write(b"x" * 11)
    assert KeptFile(tmp_path / "keys", longest=11).read()
    with pytest.raises(OSError, match="more than 10 bytes"):
        KeptFile(tmp_path / "keys", longest=10).read()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_read_and_nobody_waits_for_it(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "keys"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(OSError, match=r"no regular file|directory"):
        KeptFile(path).read()


@pytest.mark.parametrize("why", ["the folder is gone", "a folder is in its place"])
def test_a_write_that_fails_says_so_and_leaves_nothing_behind(tmp_path: Path, why: str) -> None:
    path = tmp_path / "kept" / "keys"
    if why == "a folder is in its place":
        (path / "full").mkdir(parents=True)
    with pytest.raises(OSError):  # noqa: PT011 - which one is the file system's choice
        KeptFile(path).write(b"x")
    assert not path.parent.exists() or list(path.parent.iterdir()) == [path]


def test_who_reads_during_a_write_finds_the_old_bytes_whole(tmp_path: Path) -> None:
    KeptFile(tmp_path / "keys").write(b"old" * 1000)
    with (tmp_path / "keys").open("rb") as reading:
        KeptFile(tmp_path / "keys").write(b"new")
        assert reading.read() == b"old" * 1000


def test_a_followed_file_is_read_again_when_it_was_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"one")
    followed = Followed(path)
    assert (followed.read(), followed.read()) == (b"one", b"one")
    path.write_bytes(b"two")
    assert followed.read() == b"two"


def test_a_followed_file_is_read_again_when_another_of_the_same_size_and_age_takes_its_place(tmp_path: Path) -> None:
    path, other = tmp_path / "token", tmp_path / "other"
    path.write_bytes(b"one")
    followed = Followed(path)
    assert followed.read() == b"one"
    other.write_bytes(b"two")
    found = path.stat()
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(path)
    assert followed.read() == b"two"


def _publish(folder: Path, name: str, text: bytes) -> None:
    """Swap the files of a volume as the kubelet does: a new folder, and one rename of a symlink to it."""
    (folder / name).mkdir()
    (folder / name / "token").write_bytes(text)
    (folder / "..new").symlink_to(name)
    (folder / "..new").replace(folder / "..data")
    if not (folder / "token").is_symlink():
        (folder / "token").symlink_to("..data/token")


def test_the_symlink_swap_of_a_kubernetes_volume_is_seen(tmp_path: Path) -> None:
    _publish(tmp_path, "..1", b"one")
    followed, changes = Followed(tmp_path / "token"), Changes(tmp_path / "token")
    assert (followed.read(), changes.seen()) == (b"one", False)
    _publish(tmp_path, "..2", b"two")
    assert (followed.read(), changes.seen(), changes.seen()) == (b"two", True, False)


def test_what_was_taken_away_is_not_used_any_longer(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"one")
    followed = Followed(path)
    assert followed.read() == b"one"
    path.unlink()
    with pytest.raises(FileNotFoundError):
        followed.read()
    path.write_bytes(b"two")
    assert followed.read() == b"two"


def test_what_was_never_there_is_not_empty(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Followed(tmp_path / "token").read()


def test_a_change_to_any_of_some_files_is_seen_once(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"1")
    changes = Changes(first, second)
    assert not changes.seen()
    second.write_bytes(b"2")
    assert [changes.seen(), changes.seen()] == [True, False]
    first.unlink()
    assert [changes.seen(), changes.seen()] == [True, False]
