"""The audit sink on real files and pipes."""
# ruff: noqa: ASYNC240 - what files and pipes do is what is tested

from __future__ import annotations

import asyncio
import os
import select
import stat
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vendor.audit import UNHURRIED, SinkError
from vendor.sink import LONGEST_GATHERED, PATIENCE, TURNS, LineSink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROOT = Path(__file__).parent.parent
ACCOUNTING = Path("/proc/self/io")
MORE_THAN_A_PIPE_HOLDS = 1 << 20


@asynccontextmanager
async def sink_at(path: Path | str) -> AsyncIterator[LineSink]:
    sink = LineSink(str(path))
    try:
        yield sink
    finally:
        await sink.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_an_exchange_with_time_enough_need_not_look_at_a_clock_for_its_line() -> None:
    assert 2 * PATIENCE <= UNHURRIED, "a line may wait for one write, and be in the next"


async def test_each_line_is_in_the_file_when_its_write_returns(path: Path) -> None:
    path.write_bytes(b"before\n")
    async with sink_at(path) as sink:
        for number in range(3):
            await sink.write(b"%d\n" % number)
            assert path.read_bytes() == b"before\n" + b"".join(b"%d\n" % one for one in range(number + 1))


async def test_a_new_file_is_for_its_owner_to_write_and_not_for_the_world(path: Path) -> None:
    async with sink_at(path):
        assert stat.S_IMODE(path.stat().st_mode) & 0o137 == 0


@pytest.mark.skipif(not ACCOUNTING.exists(), reason="the kernel does not count system calls")
async def test_many_writers_at_once_keep_their_lines_whole_and_need_few_writes(path: Path) -> None:
    lines = [b"%d " % number + b"x" * (number % 300) + b"\n" for number in range(1000)]
    async with sink_at(path) as sink:
        before = _writes()
        await asyncio.gather(*map(sink.write, lines))
        assert _writes() - before <= 10
    assert path.read_bytes() == b"".join(lines)


async def test_a_line_is_gathered_with_others_for_a_few_turns_of_the_loop_but_not_where_each_takes_long(
    path: Path,
) -> None:
    turns = 0

    def work() -> None:
        nonlocal turns
        turns += 1
        time.sleep(2 * LONGEST_GATHERED)
        working.append(asyncio.get_running_loop().call_soon(work))

    async with sink_at(path) as sink:
        working = [asyncio.get_running_loop().call_soon(work)]
        await sink.write(b"one\n")
        working[-1].cancel()
    assert turns < TURNS


async def test_a_writer_that_leaves_takes_nobodys_line_away(path: Path) -> None:
    async with sink_at(path) as sink:
        writing = [asyncio.create_task(sink.write(b"%d\n" % number)) for number in range(3)]
        await asyncio.sleep(0)
        writing[1].cancel()
        await asyncio.gather(writing[0], writing[2])
        await sink.write(b"after\n")
    assert {b"0", b"2", b"after"} <= set(path.read_bytes().splitlines())


async def test_a_file_that_was_renamed_away_is_opened_anew(path: Path) -> None:
    async with sink_at(path) as sink:
        await sink.write(b"one\n")
        path.rename(path.with_suffix(".1"))
        await sink.write(b"two\n")
        path.unlink()
        await sink.write(b"three\n")
    assert path.with_suffix(".1").read_bytes() == b"one\n"
    assert path.read_bytes() == b"three\n"


async def test_a_folder_that_is_gone_refuses_until_it_is_back(tmp_path: Path) -> None:
    folder, away = tmp_path / "audit", tmp_path / "away"
    folder.mkdir()
    async with sink_at(folder / "audit.jsonl") as sink:
        folder.rename(away)
        with pytest.raises(SinkError, match="FileNotFoundError"):
            await sink.write(b"lost\n")
        away.rename(folder)
        await sink.write(b"kept\n")
    assert (folder / "audit.jsonl").read_bytes() == b"kept\n"


def test_a_file_that_cannot_be_opened_is_found_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Is a directory"):
        LineSink(str(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
async def test_a_full_disk_refuses_everyone_who_waits() -> None:
    async with sink_at("/dev/full") as sink:
        results = await asyncio.gather(*(sink.write(b"line\n") for _ in range(5)), return_exceptions=True)
    assert [str(result) for result in results] == ["OSError: [Errno 28] No space left on device"] * 5
    assert len({id(result) for result in results}) == 5


def test_a_disk_that_fills_up_keeps_whole_lines_only_and_is_used_again_when_it_has_room(path: Path) -> None:
    program = """
import asyncio, resource, sys
from vendor.audit import SinkError
from vendor.sink import LineSink

async def main(path):
    sink = LineSink(path)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    await sink.write(b"one\\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    for line in (b"two is too long\\n", b"three is too\\n"):
        try:
            await sink.write(line, lambda: b"no\\n")
        except SinkError as exc:
            print(exc)
    print(open(path, "rb").read())
    await sink.write(b"four\\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await sink.write(b"five\\n")
    await sink.close()

asyncio.run(main(sys.argv[1]))
"""
    said = _run(program, str(path)).stdout.splitlines()
    assert said == ["OSError: [Errno 27] File too large"] * 2 + ["b'one\\n'"]
    assert path.read_bytes() == b"one\nfour\nfive\n"


async def test_a_pipe_that_nobody_reads_refuses_in_time_and_works_again_when_it_is_read(tmp_path: Path) -> None:
    reader, fifo = _fifo(tmp_path)
    async with sink_at(fifo) as sink:
        long = b"x" * MORE_THAN_A_PIPE_HOLDS + b"\n"
        async with asyncio.timeout(1.0):
            results = await asyncio.gather(sink.write(long), sink.write(b"too\n"), return_exceptions=True)
        assert [str(result) for result in results] == ["writing is blocked"] * 2
        with pytest.raises(SinkError, match="writing is blocked"):
            await sink.write(b"refused at once\n")
        got = await _read_until(reader, long + b"too\n")
        while sink._stuck:  # noqa: ASYNC110 - nobody is told when it ends
            await asyncio.sleep(0)
        await sink.write(b"after\n")
        got += await _read_until(reader, b"after\n")
    os.close(reader)
    assert got == long + b"too\n" + b"after\n"


async def test_a_pipe_that_is_read_has_lines_without_the_thread_which_has_what_may_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with _piped(monkeypatch) as reader:
        async with sink_at("-") as sink:
            for line in (b"first\n", b"second\n"):
                await sink.write(line)
                assert await _read_until(reader, line) == line
            assert sink._through is None
            await sink.write(b"not yet read\n")
            assert sink._through is None
            await sink.write(b"behind it\n")
            assert sink._through is not None
        assert await _read_until(reader, b"it\n") == b"not yet read\nbehind it\n"


async def test_a_stdout_that_does_not_wait_by_itself_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with _piped(monkeypatch) as reader:
        os.set_blocking(sys.stdout.fileno(), False)
        async with sink_at("-") as sink:
            writing = asyncio.create_task(sink.write(b"x" * MORE_THAN_A_PIPE_HOLDS + b"\n"))
            got = await _read_until(reader, b"x\n")
            await writing
    assert len(got) == MORE_THAN_A_PIPE_HOLDS + 1


async def test_a_pipe_that_another_one_takes_the_place_of_holds_up_who_writes_there_and_nobody_else(
    tmp_path: Path,
) -> None:
    before, fifo = _fifo(tmp_path)
    async with sink_at(fifo) as sink:
        await sink.write(b"before\n")
        assert await _read_until(before, b"before\n") == b"before\n"
        fifo.rename(tmp_path / "before")
        os.mkfifo(fifo)
        # Opening it waits for a reader. So that this test ends also where the loop does, there is one in the end.
        late = threading.Timer(3 * PATIENCE, os.open, (fifo, os.O_RDWR))
        late.start()
        async with asyncio.timeout(2 * PATIENCE):
            with pytest.raises(SinkError, match="blocked"):
                await sink.write(b"nobody reads\n")
        late.join()
        while sink._stuck:  # noqa: ASYNC110 - nobody is told when it ends
            await asyncio.sleep(0)
    os.close(before)


async def test_who_comes_while_a_write_hangs_is_refused_with_it(tmp_path: Path) -> None:
    reader, fifo = _fifo(tmp_path)
    async with sink_at(fifo) as sink:
        hanging = asyncio.create_task(sink.write(b"x" * MORE_THAN_A_PIPE_HOLDS))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        async with asyncio.timeout(1.0):
            results = await asyncio.gather(hanging, sink.write(b"behind\n"), return_exceptions=True)
        assert [type(result) for result in results] == [SinkError, SinkError]
        os.close(reader)


def _withheld() -> bytes:
    return b"withheld\n"


async def test_a_line_that_nobody_waits_for_any_longer_is_not_begun_where_who_waited_was_told_otherwise(
    tmp_path: Path,
) -> None:
    reader, fifo = _fifo(tmp_path)
    async with sink_at(fifo) as sink:
        hanging = asyncio.create_task(sink.write(b"x" * MORE_THAN_A_PIPE_HOLDS + b"\n", _withheld))
        await _begun(sink)
        behind = [asyncio.create_task(sink.write(b"%d\n" % one, None if one else _withheld)) for one in range(2)]
        await asyncio.sleep(0)
        for one in behind:
            one.cancel()
        got = await _read_until(reader, b"x\n1\n")
        await asyncio.gather(hanging, *behind, return_exceptions=True)
        await sink.write(b"after\n", _withheld)
        got += await _read_until(reader, b"after\n")
    os.close(reader)
    assert got.lstrip(b"x") == b"\n1\nafter\n"


async def test_a_line_that_nobody_waits_for_when_it_is_handed_over_is_not_written(path: Path) -> None:
    async with sink_at(path) as sink:
        writing = [asyncio.create_task(sink.write(b"%d\n" % number, _withheld)) for number in range(3)]
        await asyncio.sleep(0)
        writing[1].cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        await sink.write(b"after\n")
    assert path.read_bytes() == b"0\n2\nafter\n"


@pytest.mark.parametrize("told", ["blocked", "cancelled"])
async def test_what_was_written_too_late_is_taken_back_by_a_line_of_its_own(tmp_path: Path, told: str) -> None:
    reader, fifo = _fifo(tmp_path)
    long = b"x" * MORE_THAN_A_PIPE_HOLDS + b"\n"
    async with sink_at(fifo) as sink:
        hanging = [asyncio.create_task(sink.write(line, after)) for line, after in ((long, _withheld), (b"1\n", None))]
        # Who leaves before the first byte is there has nothing to be taken back.
        while not select.select([reader], [], [], 0)[0]:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0)
        if told == "cancelled":
            hanging[0].cancel()
        results = await asyncio.gather(*hanging, return_exceptions=True)
        assert all(isinstance(one, SinkError | asyncio.CancelledError) for one in results)
        got = await _read_until(reader, b"withheld\n")
        await sink.write(b"after\n", _withheld)
        got += await _read_until(reader, b"after\n")
    os.close(reader)
    assert got == long + b"1\nwithheld\nafter\n"


async def test_who_leaves_in_the_moment_in_which_its_line_is_written_has_it_taken_back(path: Path) -> None:
    async with sink_at(path) as sink:
        leaving = asyncio.create_task(sink.write(b"one\n", _withheld))
        await _begun(sink)
        while sink._through is None:  # the loop stands still, and is told of it when it goes on
            time.sleep(0.001)  # noqa: ASYNC251
        asyncio.get_running_loop().call_soon(leaving.cancel)
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await sink.write(b"two\n", _withheld)
    assert path.read_bytes() in {b"one\nwithheld\ntwo\n", b"one\ntwo\nwithheld\n"}


async def test_closing_writes_what_takes_back_too(path: Path) -> None:
    sink = LineSink(str(path))
    leaving = asyncio.create_task(sink.write(b"one\n", _withheld))
    await _begun(sink)
    while sink._through is None:
        time.sleep(0.001)  # noqa: ASYNC251
    leaving.cancel()
    await sink.close()
    assert path.read_bytes() == b"one\nwithheld\n"


async def test_what_takes_a_line_back_is_owed_until_it_can_be_written(tmp_path: Path) -> None:
    reader, fifo = _fifo(tmp_path)
    async with sink_at(fifo) as sink:
        await sink.write(b"one\n")
        assert await _read_until(reader, b"one\n") == b"one\n"
        os.close(reader)
        sink.owe(_withheld)
        while sink._busy:  # noqa: ASYNC110 - nobody waits for it
            await asyncio.sleep(0)
        reader, _ = _fifo(tmp_path)
        await sink.write(b"two\n")
    assert await _read_until(reader, b"two\n") == b"withheld\ntwo\n"
    os.close(reader)


@pytest.mark.parametrize("closed", [False, True])
async def test_what_a_broken_pipe_took_of_refused_lines_is_taken_back_by_what_is_read_next(
    tmp_path: Path, *, closed: bool
) -> None:
    reader, fifo = _fifo(tmp_path)
    long = b"x" * MORE_THAN_A_PIPE_HOLDS + b"\n"
    async with sink_at(fifo) as sink:
        writing = [sink.write(line, partial(bytes, b"no " + line[:1] + b"\n")) for line in (b"1\n", long, b"3\n")]
        results = await asyncio.gather(*writing, return_exceptions=True)
        assert [str(one) for one in results] == ["writing is blocked"] * 3
        os.close(reader)
        while sink._stuck:  # noqa: ASYNC110 - nobody is told when it ends
            await asyncio.sleep(0)
        with pytest.raises(SinkError, match="BrokenPipeError"):
            await sink.write(b"nobody reads\n", _withheld)
        reader, _ = _fifo(tmp_path)
        got = await _read_until(reader, b"x")
        if not closed:
            await sink.write(b"after\n", _withheld)
    got += await _read_until(reader, b"no x\n" if closed else b"after\n")
    os.close(reader)
    assert got.replace(b"x", b"") == b"1\n\nno 1\nno \n" + (b"" if closed else b"after\n")


async def test_a_pipe_whose_reader_is_gone_refuses_and_no_line_is_glued_to_half_of_another(tmp_path: Path) -> None:
    reader, fifo = _fifo(tmp_path)
    async with sink_at(fifo) as sink:
        with pytest.raises(SinkError, match="blocked"):
            await sink.write(b"x" * MORE_THAN_A_PIPE_HOLDS + b"\n")
        os.close(reader)
        while sink._stuck:  # noqa: ASYNC110 - nobody is told when it ends
            await asyncio.sleep(0)
        with pytest.raises(SinkError, match="BrokenPipeError"):
            await sink.write(b"nobody reads\n")
        reader, _ = _fifo(tmp_path)
        half = await _read_until(reader, b"x")
        await sink.write(b"after\n")
        half += await _read_until(reader, b"after\n")
        assert half.strip(b"x") == b"\nafter\n"
        await sink.write(b"more\n")
        assert await _read_until(reader, b"more\n") == b"more\n"
    os.close(reader)


async def test_closing_writes_what_waits_and_refuses_what_comes_after(path: Path) -> None:
    sink = LineSink(str(path))
    writing = [asyncio.create_task(sink.write(b"%d\n" % number)) for number in range(3)]
    await asyncio.sleep(0)
    await sink.close()
    await asyncio.gather(*writing)
    assert path.read_bytes() == b"0\n1\n2\n"
    with pytest.raises(SinkError, match="closed"):
        await sink.write(b"late\n")
    await sink.close()


async def test_closing_lets_go_of_the_file(path: Path) -> None:
    sink = LineSink(str(path))
    descriptor = sink._end._descriptor
    await sink.write(b"one\n")
    assert os.path.sameopenfile(descriptor, descriptor)
    await sink.close()
    for _ in range(10_000):
        try:
            os.fstat(descriptor)
        except OSError:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("the file is still open")


def test_a_process_ends_although_its_pipe_is_blocked() -> None:
    program = f"""
import asyncio
from vendor.audit import SinkError
from vendor.sink import LineSink

async def main():
    sink = LineSink("-")
    try:
        await sink.write(b"x" * {MORE_THAN_A_PIPE_HOLDS})
    except SinkError:
        pass
    await sink.close()

asyncio.run(main())
"""
    reader, writer = os.pipe()
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=writer, timeout=30, check=False)  # noqa: S603 - our own program
    os.close(reader)
    os.close(writer)
    assert done.returncode == 0


async def test_a_dash_is_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    async with sink_at("-") as sink:
        await sink.write(b"one\n")
        await sink.write(b"two\n")
    assert capfd.readouterr().out == "one\ntwo\n"


def test_stdout_is_written_to_and_left_open() -> None:
    program = """
import asyncio
from vendor.sink import LineSink

async def main():
    sink = LineSink("-")
    await sink.write(b"one\\n")
    await sink.close()

asyncio.run(main())
print("two")
"""
    assert _run(program).stdout == "one\ntwo\n"


async def _begun(sink: LineSink) -> None:
    """Return when the thread has taken over what waits; the loop stands still for it, so none of it is settled yet."""
    while not sink._busy or sink._waiting:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0)
    while not sink._jobs.empty():
        time.sleep(0.001)  # noqa: ASYNC251


def _writes() -> int:
    """Return the number of write system calls of this process so far."""
    counted = dict(line.split(": ") for line in ACCOUNTING.read_text().splitlines())
    return int(counted["syscw"])


@contextmanager
def _piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Have a pipe as stdout, of which this is the reading end."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with os.fdopen(writer, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        yield reader
    os.close(reader)


def _fifo(folder: Path) -> tuple[int, Path]:
    """Return the reading end of a named pipe and its path; making it twice gives another reader."""
    fifo = folder / "fifo"
    if not fifo.exists():
        os.mkfifo(fifo)
    return os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), fifo


async def _read_until(reader: int, end: bytes) -> bytes:
    got = b""
    async with asyncio.timeout(10):
        while not got.endswith(end):
            with suppress(BlockingIOError):
                got += os.read(reader, 1 << 20)
            await asyncio.sleep(0)
    return got


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )


def test_a_loop_that_ends_while_a_write_hangs_does_not_end_the_thread(tmp_path: Path) -> None:
    reader, fifo = _fifo(tmp_path)
    sink = LineSink(str(fifo))
    long = b"x" * MORE_THAN_A_PIPE_HOLDS + b"\n"

    async def leave() -> None:
        writing = asyncio.create_task(sink.write(long))
        await asyncio.sleep(0.01)
        writing.cancel()

    asyncio.run(leave())
    assert asyncio.run(_read_until(reader, long)) == long
    asyncio.run(sink.close())
    os.close(reader)


async def test_a_loop_that_is_late_takes_no_line_for_lost_that_was_written_meanwhile(path: Path) -> None:
    sink = LineSink(str(path))
    try:
        writing = asyncio.create_task(sink.write(b"one\n"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(3 * PATIENCE)  # noqa: ASYNC251 - as a loop with too much work does
        await writing
        await sink.write(b"two\n")
        assert path.read_bytes() == b"one\ntwo\n"
    finally:
        await sink.close()
