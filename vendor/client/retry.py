"""Trying again: inside one deadline, only what may pass by itself, and never all clients at once."""

from __future__ import annotations

import random

from vendor.client.refusals import Unreachable

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.client.answer import Answer
    from vendor.client.deadline import Deadline

ATTEMPT = 5.0
"""Seconds for one attempt, so that one server that hangs does not cost the whole deadline."""
NOBODY = 2.0
"""Seconds for which who has not said how long tries again where nothing is there to answer: it is being replaced."""
_FIRST, _LARGEST = 0.2, 2.0  # seconds of back-off


def insist(
    attempt: Callable[[Deadline], Answer], *, deadline: Deadline, nobody: Deadline, each: float = ATTEMPT
) -> Answer:
    """Return the first answer that will not pass by itself, or the last one had when the deadline comes.

    One attempt may last `each` seconds; where nothing is there to answer `nobody` is the deadline.
    Raises Unreachable when no answer was had at all.
    """
    last: Answer | None = None
    tries = 0
    while True:
        wait = _back_off(tries)
        tries += 1
        try:
            last = answer = attempt(deadline.within(each))
        except Unreachable as exc:
            if exc.final or not (nobody if exc.nobody else deadline).pause(wait):
                if last is None:
                    raise
                return last
        else:
            if not answer.is_passing or not deadline.pause(wait + (answer.retry_after or 0)):
                return answer


def _back_off(tries: int) -> float:
    # Full jitter: a fleet that failed together must not come back together.
    return random.uniform(0, min(_LARGEST, _FIRST * 2**tries))  # noqa: S311  # spreads load, keeps no secret
