"""What can become of IAM's patterns and of texts with places, one row a line."""

from __future__ import annotations

import re

import pytest

from vendor.policy.inclusion import Patterns
from vendor.policy.parameter import Parameter
from vendor.policy.template import Text
from vendor.policy.wildcard import ANY, NO_COLON, STAR, Characters, Piece, Span, filled, language, segmented

ONE = Span(ANY, many=False)
WITHIN = Span(NO_COLON, empty=True)


def _parameter(
    name: str, *, pattern: str | None = None, one_of: tuple[str, ...] = (), path: bool = False
) -> tuple[str, Parameter]:
    made = re.compile(pattern) if pattern else None
    return name, Parameter(name=name, pattern=made, one_of=one_of, path=path, default=None)


PARAMETERS = dict(
    [
        _parameter("plain"),
        _parameter("path", path=True),
        _parameter("any", pattern=".+"),
        _parameter("path_of_any", pattern=".+", path=True),
        _parameter("stage", one_of=("dev", "prod")),
    ]
)


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        ("", ()),
        ("a", ("a",)),
        ("*", (STAR,)),
        ("***", (STAR,)),
        ("a*b?", ("a", STAR, "b", ONE)),
        ("*?*", (STAR, ONE, STAR)),
        ("a/${aws:username}/b", ("a/", STAR, "/b")),
        ("*${aws:username}*", (STAR,)),
        ("${aws:PrincipalTag/team, 'none'}", (STAR,)),
        ("${*}", (STAR,)),
        ("a${never:ends/b", ("a", STAR)),
        ("a$b", ("a", "$", "b")),
        ("[a]\\*", ("[a]\\", STAR)),
    ],
)
def test_a_pattern_is_read_as_iam_reads_it(pattern: str, pieces: tuple[Piece, ...]) -> None:
    assert language(pattern) == pieces


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        ("arn:aws:iam::*:role/*", ("arn:aws:iam::", WITHIN, ":role/", STAR)),
        ("arn:aws:s?:::a*", ("arn:aws:s", Span(NO_COLON, many=False), ":::a", STAR)),
        ("arn:aws:s3:::a*:b*", ("arn:aws:s3:::a", STAR, ":b", STAR)),
        ("arn:aws:s3*", ("arn:aws:s3", STAR)),
        ("*", (STAR,)),
    ],
)
def test_before_the_resource_of_an_arn_a_wildcard_stays_between_two_colons(
    pattern: str, pieces: tuple[Piece, ...]
) -> None:
    assert segmented(language(pattern)) == pieces


def test_what_a_place_is_filled_with_stays_what_it_is_in_an_arn() -> None:
    whole = filled(Text.parse("arn:aws:iot:{{ region }}:{{ stage }}:topic/*"), PARAMETERS)
    assert segmented(whole) == whole


@pytest.mark.parametrize(
    ("template", "pattern", "expected"),
    [
        ("{{ team }}", "*", True),
        ("a/{{ team }}/b", "a/*/b", True),
        ("a/{{ team }}", "a/?*", True),
        ("a/{{ team }}", "a/??*", False),
        ("a/{{ team }}", "a/x*", False),
        ("a/{{ team }}/b", "a/b/*", False),
        ("{{ stage }}", "dev", False),
        ("{{ stage }}-{{ stage }}", "*-*", True),
        ("{{ plain }}/*", "*/*", True),
    ],
)
def test_whatever_a_place_is_filled_with_is_thought_of(template: str, pattern: str, *, expected: bool) -> None:
    assert Patterns.of([language(pattern)]).hold(filled(Text.parse(template), PARAMETERS)) is expected


@pytest.mark.parametrize(
    ("name", "may", "never"),
    [
        ("attribute", "aZ9._=@-", "/:*? +é"),
        ("plain", "aZ9._=@-", "/:*? +é"),
        ("path", "aZ9._=@-/", ":*? +é"),
        ("any", "aZ: +é\xff", "/*?$'\"{}\\\n\x00\x85"),
        ("path_of_any", "aZ: +é\xff/", "*?$'\"{}\\\n\x00\x85"),
    ],
)
def test_a_place_holds_the_characters_that_its_declaration_admits(name: str, may: str, never: str) -> None:
    (piece,) = filled(Text.parse(f"{{{{ {name} }}}}"), PARAMETERS)
    assert isinstance(piece, Span)
    assert (piece.many, piece.empty) == (True, False)
    assert [one for one in may if one not in piece.characters] == []
    assert [one for one in never if one in piece.characters] == []


def test_a_place_with_a_list_holds_its_values() -> None:
    assert filled(Text.parse("a-{{ stage }}*"), PARAMETERS) == ("a-", ("dev", "prod"), STAR)


def test_characters_are_these_or_all_but_these() -> None:
    assert "a" in Characters(frozenset("ab"))
    assert "c" not in Characters(frozenset("ab"))
    assert "a" not in Characters(frozenset("ab"), others=True)
    assert "c" in Characters(frozenset("ab"), others=True)
