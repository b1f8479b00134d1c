"""Flows of requests from processes of their own, and what came of them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.faults.wire import Answer
from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.asked import Asked
    from tests.faults.load import Plan


class Call(NamedTuple):
    """One request: its bytes, and the source identity of the only principal whose credentials it may be given.

    None stands for whoever must be given none at all. Where they are not as the rig's own configuration has them, they
    may be of what is `asked` and of nothing else.
    """

    raw: bytes
    principal: str | None = None
    asked: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True)
class Results:
    """What came of one flow; times are seconds, `began` is on the machine's monotonic clock."""

    calls: list[Call]
    answers: list[Answer]
    began: float
    leaks: list[str]

    def between(self, since: float, until: float = float("inf")) -> Results:
        """Return only what was due within these moments of the machine's monotonic clock."""
        kept = [answer for answer in self.answers if since <= self.began + answer.due < until]
        return Results(self.calls, kept, self.began, self.leaks)

    def moment(self, answer: Answer) -> float:
        """Return when an answer came, on the machine's monotonic clock."""
        return self.began + answer.due + answer.seconds

    @property
    def counts(self) -> dict[str, int]:
        """How many answers there were of each status and code."""
        return dict(Counter(f"{answer.status} {answer.code}".strip() for answer in self.answers))

    @property
    def served(self) -> float:
        """The share that was given credentials."""
        return sum(answer.status == 200 for answer in self.answers) / len(self.answers)

    @property
    def rate(self) -> float:
        """How many answers came in a second."""
        came = [answer.due + answer.seconds for answer in self.answers if answer.status]
        return len(came) / (max(came) - min(answer.due for answer in self.answers))

    def percentile(self, percent: float) -> float:
        """Return the latency that this percentage of all requests did not exceed."""
        ordered = sorted(answer.seconds for answer in self.answers)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    @property
    def slowest(self) -> float:
        """The seconds that the slowest took."""
        return max(answer.seconds for answer in self.answers)

    def at(self, percent: float) -> str:
        """Return a percentile of latency as text."""
        return f"p{percent:g} {self.percentile(percent) * 1000:.1f} ms"

    def of(self, kind: str = "200") -> str:
        """Return how many of all answers were of a status and code, as text."""
        return f"{self.counts.get(kind, 0):,} of {len(self.answers):,}"

    def told(self) -> str:
        """Return the whole in one line."""
        times = ", ".join(self.at(percent) for percent in (50, 99, 99.9))
        return f"{len(self.answers)} at {self.rate:,.0f}/s, {times}, {self.counts}"


class Flow:
    """A flow under way; `began` is its beginning on the machine's monotonic clock, `done` what came of it."""

    def __init__(self, process: asyncio.subprocess.Process, calls: list[Call], began: float) -> None:
        self._process = process
        self.calls = calls
        self.began = began
        self.done: Results | None = None

    async def results(self) -> Results:
        """Wait for the end and return what came of it."""
        assert self._process.stdout
        told = json.loads(await self._process.stdout.read())
        await self._process.wait()
        answers = [Answer(*answer) for answer in told["answers"]]
        self.done = Results(self.calls, answers, told["began"], told["leaks"])
        return self.done

    async def stop(self) -> Results:
        """Send nothing more, and return what came of what was sent."""
        with suppress(ProcessLookupError):  # it has sent all that it had to
            self._process.terminate()
        return await self.results()

    async def end(self) -> None:
        """End the process, whatever it is doing."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def start(plan: Plan, calls: list[Call], file: Path) -> Flow:
    """Begin a flow in a process of its own, and return once it sends."""
    _write(file, plan, calls)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.load", str(file), cwd=ROOT, stdout=asyncio.subprocess.PIPE, limit=1 << 26
    )
    assert process.stdout
    return Flow(process, calls, float(await process.stdout.readline()))


def _write(file: Path, plan: Plan, calls: list[Call]) -> None:
    file.write_text(json.dumps({**plan._asdict(), "requests": [call.raw.decode("latin-1") for call in calls]}))


def lines_of(flow: Results) -> Iterator[tuple[Call, Answer]]:
    """Return each answer with the call that it is for."""
    return ((flow.calls[answer.which], answer) for answer in flow.answers)
