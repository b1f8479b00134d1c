"""Any text as a value and any text as a template: refused, or harmless once filled (T11)."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import made
from vendor.policy.decision import Asked, Mapping
from vendor.policy.granting import Permission
from vendor.policy.limits import LONGEST_POLICY
from vendor.policy.parameter import NEVER, Parameter, is_fillable
from vendor.policy.template import PolicyTemplate, TemplateError, Text
from vendor.refusals import PolicyTooLarge, ValueNotAllowed

POLICY: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["x:Get*", "x:List?"],
            "Resource": ["arn:aws:x:::{{ team }}/{{ value }}/*", "arn:aws:x:::${aws:userid}/{{ value }}"],
        },
        {
            "Effect": "Deny",
            "NotAction": "x:*",
            "NotResource": "arn:aws:x:::{{ value }}",
            "Condition": {"StringLike": {"x:prefix": ["{{ value }}/*", "{{ team }}"]}},
        },
    ],
}
COMPILED: Final = PolicyTemplate.parse(POLICY)
ANYTHING: Final = re.compile("(?s).*")
# Half of all texts are of what could do harm; the rest is anything that a string can hold.
TEXTS: Final = st.one_of(
    st.lists(
        st.sampled_from([*"ab/.:*?${}\"'\\`,[]=@- \t\n\x00\x7f\x85\xa0\xe9\xff\u0100\u2028\uff0a", "${", '"}', "{{ "])
    ).map("".join),
    st.text(),
    st.text("abz09._=@-/", min_size=1),
)
DECLARED: Final = st.builds(
    Parameter,
    name=st.just("value"),
    pattern=st.sampled_from([None, ANYTHING]),
    one_of=st.just(()) | st.lists(TEXTS, max_size=3).map(tuple),
    path=st.booleans(),
    default=st.none() | TEXTS,
)


def filled(declared: Parameter, value: str, team: object) -> dict[str, Any] | None:
    """Return the policy that a session gets, None if it is refused."""
    session = replace(made.scope().session, policy=COMPILED)
    scope = made.scope(session=session, parameters=(declared,))
    who = made.principal(attributes={"team": team}, token_sha256="")
    asked = Asked(scope=scope.name, parameters={"value": value})
    try:
        found = Mapping(scopes={scope.name: scope}, generation=1).open(Permission(scope=scope, grant=0), who, asked)
    except (ValueNotAllowed, PolicyTooLarge):
        return None
    assert found.policy is not None
    assert len(found.policy) <= LONGEST_POLICY
    assert all("\x20" <= character <= "\xff" for character in found.policy)
    return dict(json.loads(found.policy))


def marks(text: str) -> Counter[str]:
    """Count what IAM reads in a text."""
    return Counter({mark: text.count(mark) for mark in ("*", "?", "${", "$", "{", "}", '"', "\\")})


@given(DECLARED, TEXTS, TEXTS)
@example(Parameter(name="value", pattern=ANYTHING, one_of=(), path=True, default=None), "a" * 256, "team")
@example(Parameter(name="value", pattern=None, one_of=("*",), path=False, default=None), "*", "team")
def test_t11_any_value_is_refused_or_changes_nothing_but_its_places(declared: Parameter, value: str, team: str) -> None:
    found = filled(declared, value, team)
    if found is None:
        return
    assert list(found) == list(POLICY)
    for before, after in zip(POLICY["Statement"], found["Statement"], strict=True):
        assert list(before) == list(after)
        for member in ("Effect", "Action", "NotAction"):
            assert before.get(member) == after.get(member)
        assert len(before.get("Resource", ())) == len(after.get("Resource", ()))
    text = json.dumps(found, ensure_ascii=False)
    places = json.dumps(POLICY).replace("{{ value }}", "").replace("{{ team }}", "")
    assert marks(text) == marks(places)
    assert found["Statement"][0]["Resource"][0] == f"arn:aws:x:::{team}/{value}/*"
    assert found["Statement"][1]["Condition"] == {"StringLike": {"x:prefix": [f"{value}/*", team]}}


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.lists(TEXTS).map(tuple)))
def test_an_attribute_that_is_no_text_is_never_filled(team: object) -> None:
    assert filled(Parameter(name="value", pattern=None, one_of=(), path=False, default=None), "a", team) is None


def test_what_people_bring_is_filled() -> None:
    plain = Parameter(name="value", pattern=None, one_of=(), path=False, default=None)
    assert filled(plain, "2026-03", "analytics")
    assert filled(replace(plain, path=True, pattern=ANYTHING), "a/b c:caf\xe9", "a=b@c_d.e")


@pytest.mark.parametrize("path", [False, True])
@pytest.mark.parametrize("character", [chr(number) for number in range(0x110)] + ["\u2028", "\ud800", "\uff0a"])
def test_t11_no_declaration_admits_a_character_that_means_something(character: str, path: bool) -> None:  # noqa: FBT001
    declared = Parameter(name="value", pattern=ANYTHING, one_of=(), path=path, default=None)
    if character in "*?$\"'`\\{}" or not "\x20" <= character <= "\xff" or "\x7f" <= character < "\xa0":
        assert filled(declared, f"a{character}b", "team") is None
    else:
        assert (filled(declared, f"a{character}b", "team") is not None) is (path or character != "/")


SOURCES: Final = st.one_of(
    st.lists(
        st.sampled_from(["{{", "}}", "{", "}", " ", "a", "b_1", "${", "$", "A", "/", "*", "\n", "\xe9", "{{ a }}"])
    ).map("".join),
    st.text(),
)
KEYS: Final = st.sampled_from(
    ["Resource", "NotResource", "Condition", "Action", "Statement", "StringLike", "{{ a }}", "{{"]
)
DOCUMENTS: Final[st.SearchStrategy[Any]] = st.recursive(
    SOURCES | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | SOURCES, inner, max_size=3),
    max_leaves=12,
)
# Everything that some declaration can admit.
ADMISSIBLE: Final = st.text(
    st.characters(max_codepoint=0xFF).filter(lambda character: character not in NEVER), min_size=1, max_size=20
).filter(lambda value: is_fillable(value, path=True))


@given(SOURCES, ADMISSIBLE)
def test_any_text_is_compiled_or_refused_and_stands_as_it_was_written(source: str, value: str) -> None:
    try:
        text = Text.parse(source)
    except TemplateError:
        return
    shown = dict.fromkeys(text.names(), value)
    expected = re.sub(r"\{\{ *[a-z][a-z0-9_]* *\}\}", lambda _: value, source)
    assert text.fill(shown) == expected
    assert Text.parse(str(text)) == text


@given(DOCUMENTS, ADMISSIBLE)
@example({"Resource": "{{ a }}${{{ a }}"}, "x")
@example({"Statement": {"Condition": {"StringLike": {"k": ["{{ a }}*", 1, None, True]}}}}, "x")
def test_any_document_is_compiled_or_refused_and_keeps_its_shape(document: Any, value: str) -> None:
    try:
        made_of = PolicyTemplate.parse(document)
    except TemplateError:
        return
    same = json.loads(made_of.fill(dict.fromkeys(made_of.names(), value)))
    assert same == replaced(document, value)
    assert shape(same) == shape(json.loads(json.dumps(document)))


def replaced(node: Any, value: str) -> Any:
    """Return a document with a value for every placeholder, the long way round."""
    if isinstance(node, str):
        return re.sub(r"\{\{ *[a-z][a-z0-9_]* *\}\}", lambda _: value, node)
    if isinstance(node, list):
        return [replaced(item, value) for item in node]
    return {key: replaced(item, value) for key, item in node.items()} if isinstance(node, dict) else node


def shape(node: Any) -> Any:
    """Return a document without its texts."""
    if isinstance(node, list):
        return [shape(item) for item in node]
    return {key: shape(item) for key, item in node.items()} if isinstance(node, dict) else type(node)
