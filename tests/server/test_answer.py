"""An answer on the wire: whole, with the headers of every answer, and nothing that a header could smuggle in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from vendor.server.answer import Answer, gathered

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb"])
def test_a_header_that_would_be_two_lines_is_never_written(value: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        Answer(200, b"{}", "0", {"Allow": value})
    with pytest.raises(ValueError, match="one line"):
        Answer(200, b"{}", "0", {value: "GET"})


def test_a_type_of_its_own_replaces_the_json_of_all_others() -> None:
    assert "application/json" not in Answer(200, b"", "0", {"Content-Type": "text/plain"})._head
    assert "application/json" in Answer(200, b"", "0", {"Allow": "GET"})._head
    assert "application/json" in Answer(200, b"", "0")._head


class _Crowd:
    """A body of ten pieces, each made in a millisecond, and others whose turns take their time by the same clock."""

    def __init__(self, turn: float) -> None:
        self.seconds = 0.0
        self.turns = ""
        self._turn = turn

    def pieces(self) -> Iterator[bytes]:
        for number in range(10):
            self.turns += "p"
            self.seconds += 0.001
            yield b"%d" % number

    async def others(self) -> None:
        while self.turns.count("p") < 10:
            await asyncio.sleep(0)
            self.turns += "o"
            self.seconds += self._turn

    async def gathered(self) -> bytes:
        others = asyncio.create_task(self.others())
        await asyncio.sleep(0)
        body = await gathered(self.pieces(), now=lambda: self.seconds)
        await others
        return body


async def test_between_two_pieces_of_a_body_everybody_else_has_a_turn() -> None:
    crowd = _Crowd(turn=0.005)
    assert await crowd.gathered() == b"0123456789"
    assert crowd.turns == "po" * 10


async def test_where_the_turns_of_others_are_long_several_pieces_are_made_in_a_row() -> None:
    crowd = _Crowd(turn=0.035)
    assert await crowd.gathered() == b"0123456789"
    assert crowd.turns == "po" + "ppppo" * 2 + "po"
