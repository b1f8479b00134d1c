"""Strict JSON: one spelling of one value, or none at all."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendor.strict_json import StrictJSONError, read_object

REFUSED: list[tuple[bytes, str]] = [
    (b"", "not JSON"),
    (b" ", "not JSON"),
    (b"{", "not JSON"),
    (b"{}x", "not JSON"),
    (b"{}{}", "not JSON"),
    (b"{'a':1}", "not JSON"),
    (b'{"a":1,}', "not JSON"),
    (b'{"a":01}', "not JSON"),
    (b'{"a":+1}', "not JSON"),
    (b'{"a":0x1}', "not JSON"),
    (b'{"a":"\t"}', "not JSON"),
    (b'{"a":"\xff"}', "not JSON"),
    (b'{"a":"\xc0\x80"}', "not JSON"),
    (b'{"a":"\xed\xa0\x80"}', "not JSON"),
    (b'\xef\xbb\xbf{"a":1}', "not JSON"),
    ('{"a":1}'.encode("utf-16"), "not JSON"),
    ('{"a":1}'.encode("utf-16-le"), "not JSON"),
    ('{"a":1}'.encode("utf-32-be"), "not JSON"),
    (b'\x0b{"a":1}', "not JSON"),
    ('\u00a0{"a":1}'.encode(), "not JSON"),
    (b'{"a":' + b"1" * 5000 + b"}", "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b'{"a":' * 100_000, "not JSON"),
    (b"[]", "not an object"),
    (b"1", "not an object"),
    (b'"a"', "not an object"),
    (b"null", "not an object"),
    (b'{"a":1,"a":1}', "stands twice"),
    (b'{"a":1,"\\u0061":2}', "stands twice"),
    (b'{"b":{"a":1,"a":2}}', "stands twice"),
    (b'{"b":[{"c":{"a":1,"a":2}}]}', "stands twice"),
    (b'{"a":NaN}', "NaN or Infinity"),
    (b'{"a":Infinity}', "NaN or Infinity"),
    (b'{"a":[-Infinity]}', "NaN or Infinity"),
    (b'{"a":1e999}', "too large"),
    (b'{"a":-1e999}', "too large"),
    (b'{"a":"\\u0000"}', "NUL or a lone surrogate"),
    (b'{"\\u0000":1}', "NUL or a lone surrogate"),
    (b'{"a":["x","\\ud800"]}', "NUL or a lone surrogate"),
    (b'{"a":"\\udc00\\ud800"}', "NUL or a lone surrogate"),
    (b'{"a":{"\\udfff":1}}', "NUL or a lone surrogate"),
]


@pytest.mark.parametrize(("raw", "why"), REFUSED, ids=lambda part: ascii(part)[:40])
def test_what_is_not_strict_is_refused_with_a_reason_that_shows_nothing_of_it(raw: bytes, why: str) -> None:
    with pytest.raises(StrictJSONError, match=why) as caught:
        read_object(raw)
    assert len(str(caught.value)) < 50


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b' {"a" : 1}\r\n\t', {"a": 1}),
        (b'{"a":[true,false,null,1.5,-1,"x",{}]}', {"a": [True, False, None, 1.5, -1, "x", {}]}),
        ('{"a":"\u00e9\U0001f600"}'.encode(), {"a": "\u00e9\U0001f600"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a":1,"b":{"a":2},"A":3}', {"a": 1, "b": {"a": 2}, "A": 3}),
        (b'{"a":1e300}', {"a": 1e300}),
    ],
)
def test_what_is_strict_is_read(raw: bytes, value: dict[str, Any]) -> None:
    assert read_object(raw) == value


@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]")])
def test_sixteen_levels_are_read_and_seventeen_are_not(opening: bytes, closing: bytes) -> None:
    read_object(b'{"a":' + opening * 15 + b'""' + closing * 15 + b"}")
    with pytest.raises(StrictJSONError, match="nested too deep"):
        read_object(b'{"a":' + opening * 16 + b'""' + closing * 16 + b"}")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc", max_size=3), VALUES, max_size=4))
def test_every_honest_object_is_read_as_it_was_written(value: dict[str, Any]) -> None:
    assert read_object(json.dumps(value).encode()) == value
    assert read_object(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=60) | st.text('{}[]":,0aeE.\\u-', max_size=40).map(str.encode))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with contextlib.suppress(StrictJSONError):
        assert isinstance(read_object(raw), dict)
