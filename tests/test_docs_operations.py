"""docs/operations.md: what it shows of a configuration is sound, and its numbers are those of the code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.config.sound import SOUND, loaded
from tests.service import ROOT
from vendor.mint import asking, breaker, budget, denials, endpoint, identity, rate, regions, retries, sources, turns

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
TARGETS = re.findall(r"^```yaml\ntargets:\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("said", TARGETS)
def test_the_targets_that_are_shown_are_sound(tmp_path: Path, said: str) -> None:
    found = loaded(tmp_path, SOUND.replace("targets:\n", f"targets:\n{said.replace('  aws:', '  other:')}"))
    assert len(found.targets) == said.count("regions:") + SOUND.count("regions:")


def test_targets_are_shown() -> None:
    assert len(TARGETS) == 2


def test_the_numbers_are_those_of_the_code() -> None:
    text = " ".join(PAGE.split())
    for told in (
        f"asked last for {regions.REST:.0f} s",
        f"failed {breaker.TOLERATED} times in a row",
        f"within {endpoint.ANSWERED_WITHIN:.0f} s, or a connection within {endpoint.CONNECTED_WITHIN} s",
        f"probes it after {breaker.SHORTEST_REST:.0f} s",
        f"at most {breaker.LONGEST_REST:.0f} s",
        f"the rate drops by {100 - 100 * rate.KEPT:.0f} %",
        f"within {asking.PATIENCE:.0f} s is told so at once",
        f"not asked for again for {denials.DENIED:.0f} s",
    ):
        assert told in text, told
    assert (breaker.SILENCE, regions.OUT, regions.APART) == (4, 3600, 0.5)
    assert (rate.REGAINED, rate.FORGOTTEN, retries.SHARE, retries.RESERVE) == (40, 600, 0.2, 10)
    assert (sum(turns.WEIGHTS.values()), list(turns.WEIGHTS.values())) == (12, [8, 3, 1])
    assert (asking.ATTEMPTS, budget.LONGEST_QUEUE, denials.TRUSTED) == (3, 10_000, 3600)
    assert (identity.AGAIN, identity.LOOKED, sources.AHEAD) == (2, 5, 900)
