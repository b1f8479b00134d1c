"""An answer on the wire: whole, with the headers of every answer, and nothing that a header could smuggle in."""

from __future__ import annotations

import pytest

from vendor.server.answer import Answer


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
