"""Whatever becomes of a good file, loading it ends in a configuration or in findings that lie within it."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vendor.config import ConfigurationError, load

EXAMPLE = (Path(__file__).parent.parent.parent / "config" / "vendor.yaml").read_text("utf-8")
GOOD = re.sub(r"(?m)^ *#.*\n", "", EXAMPLE)
LINES = GOOD.splitlines(keepends=True)
SCALARS = [match.span() for match in re.finditer(r"(?<=[:\[,] )[^\s#{}\[\],]+|\"[^\"\n]*\"", GOOD)]
ODD = (
    *("", "~", "5", "-1.5", "true", "no", ".inf", "[]", "{}", "[[a]]", "{a: b}", "*a", "&a b", "!!str c", "<<: x"),
    *("|", ">-", "'\t'", "ÿ", "\U0001d4b3", "- a", "? a", "\x00", "---", "...", '"\\0"', '"\\ud800"', '"\\n"'),
    *("'{{ x }}'", "'{{'", "'${env:A}'", "'${file:/}'", "'${'", "'*'", "'[a'", "'a{9999999999999}'", "2012-10-17"),
    *("http://[", "https://a:b@c:d", "900s", "99999999d", "arn:aws:iam::1:role/a"),
)


def _assert_ends_well(text: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "vendor.yaml"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            load(file, environ={})
        except ConfigurationError as exc:
            assert exc.findings  # noqa: PT017 - that it is raised is one of two good ends
            # YAML ends a line at more characters than most; its library counts them all.
            lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
            for one in exc.findings:
                assert one.file == str(file)
                assert 1 <= one.line <= len(lines)
                assert 1 <= one.column <= max(map(len, lines)) + 1
                assert str(one).isprintable()


@settings(max_examples=30)
@given(st.sets(st.integers(0, len(LINES) - 1), min_size=1, max_size=3))
def test_without_some_of_its_lines(gone: set[int]) -> None:
    _assert_ends_well("".join(line for number, line in enumerate(LINES) if number not in gone))


@settings(max_examples=80)
@given(st.sampled_from(SCALARS), st.sampled_from(ODD))
@example(SCALARS[0], "5")
def test_with_another_scalar_in_the_place_of_one(span: tuple[int, int], new: str) -> None:
    _assert_ends_well(GOOD[: span[0]] + new + GOOD[span[1] :])


@settings(max_examples=30)
@given(st.sampled_from(SCALARS), st.sampled_from(SCALARS))
def test_with_two_scalars_exchanged(one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = sorted((one, other))
    a, b = GOOD[slice(*first)], GOOD[slice(*second)]
    _assert_ends_well(
        GOOD[: first[0]] + b + GOOD[first[1] : second[0]] + a + GOOD[second[1] :] if first != second else GOOD
    )


@settings(max_examples=30)
@given(st.integers(0, len(GOOD)), st.text(max_size=8))
def test_with_any_text_put_in_anywhere(at: int, text: str) -> None:
    _assert_ends_well(GOOD[:at] + text + GOOD[at:])


@pytest.mark.parametrize("odd", ODD)
def test_of_an_odd_text_alone(odd: str) -> None:
    _assert_ends_well(odd)
