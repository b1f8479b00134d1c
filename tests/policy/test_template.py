"""Templates: filled as structures, so that no value can change more than the place it stands in (T11)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendor.policy.parameter import NEVER, is_fillable
from vendor.policy.template import Name, PolicyTemplate, TemplateError, Text
from vendor.refusals import Reason, ValueNotAllowed

POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Read",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:Get*Tagging"],
            "Resource": ["arn:aws:s3:::reports/{{ namespace }}/{{ month }}/*", "arn:aws:s3:::shared/${aws:userid}/?"],
        },
        {
            "Effect": "Deny",
            "NotAction": "s3:*",
            "NotResource": "arn:aws:s3:::{{namespace}}-{{ month }}",
            "Condition": {
                "StringNotEquals": {"s3:prefix": ["{{ namespace }}/", "{{ month }}"], "aws:PrincipalTag/a": "${x}"},
                "NumericLessThan": {"s3:max-keys": 10},
                "Bool": {"aws:SecureTransport": True},
                "Null": {"aws:TokenIssueTime": None},
            },
        },
    ],
}
HOSTILE = [
    '"',
    '"]},{"Effect":"Allow","Action":"*","Resource":"*"},{"x":["',
    '","*',
    "\\",
    '\\","*',
    "\\u002a",
    "*",
    "?",
    "${aws:username}",
    "$",
    "{{ month }}",
    "}}",
    "x\n",
    "\0",
    "]",
    "x/../y",
]
# Everything that some declaration can admit.
CHARACTERS = st.characters(max_codepoint=0xFF).filter(lambda character: character not in NEVER)
ADMISSIBLE = st.text(CHARACTERS, min_size=1, max_size=40).filter(lambda value: is_fillable(value, path=True))


def special(text: str) -> Counter[str]:
    return Counter({mark: text.count(mark) for mark in ("*", "?", "${")})


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("", ()),
        ("plain", ("plain",)),
        ("{{ a }}", (Name("a"),)),
        ("{{a}}", (Name("a"),)),
        ("{{   a_1   }}", (Name("a_1"),)),
        ("x{{ a }}y{{ b }}{{ a }}", ("x", Name("a"), "y", Name("b"), Name("a"))),
        ("{a}", ("{a}",)),
        ("${aws:userid}", ("${aws:userid}",)),
        ("{{{ a }}}", ("{", Name("a"), "}")),
    ],
)
def test_text_is_compiled_into_literals_and_places(source: str, parts: tuple[str | Name, ...]) -> None:
    assert Text.parse(source).parts == parts


@pytest.mark.parametrize(
    "source",
    [
        "{{",
        "}}",
        "{{}}",
        "{{ }}",
        "{{ A }}",
        "{{ 1a }}",
        "{{ a-b }}",
        "{{ a.b }}",
        "{{ a",
        "a }}",
        "{{ a }} }}",
        "{{ a | upper }}",
        "{{ a\n}}",
        "{{\ta }}",
        "{{ \u00e9 }}",
        "{{{{ a }}}}",
        "{{ _a }}",
    ],
)
def test_braces_that_are_no_placeholder_are_refused(source: str) -> None:
    with pytest.raises(TemplateError, match="a placeholder is written"):
        Text.parse(source)


def test_text_names_its_places_is_filled_and_reads_as_it_was_written() -> None:
    text = Text.parse("arn/{{a}}/{{ b }}-{{ a }}")
    assert text.names() == ("a", "b", "a")
    assert text.fill({"a": "1", "b": "2"}) == "arn/1/2-1"
    assert str(text) == "arn/{{ a }}/{{ b }}-{{ a }}"


def test_a_value_is_never_read_as_a_template() -> None:
    assert Text.parse("{{ a }}{{ b }}").fill({"a": "{{ b }}", "b": "x"}) == "{{ b }}x"


@pytest.mark.parametrize(
    "policy",
    [
        {"Version": "{{ a }}"},
        {"Id": "{{ a }}"},
        {"Statement": [{"Sid": "{{ a }}"}]},
        {"Statement": [{"Effect": "{{ a }}"}]},
        {"Statement": [{"Action": "s3:{{ a }}"}]},
        {"Statement": [{"Action": ["s3:Get", "s3:{{ a }}"]}]},
        {"Statement": [{"NotAction": "s3:{{ a }}"}]},
        {"Statement": [{"Principal": {"AWS": "{{ a }}"}}]},
        {"Statement": "{{ a }}"},
        ["{{ a }}"],
        "{{ a }}",
    ],
)
def test_a_placeholder_stands_in_resources_and_conditions_alone(policy: Any) -> None:
    with pytest.raises(TemplateError, match="a placeholder may stand only in"):
        PolicyTemplate.parse(policy)


@pytest.mark.parametrize(
    "policy",
    [
        {"{{ a }}": 1},
        {"Statement": [{"Condition": {"{{ a }}": {"aws:x": "y"}}}]},
        {"Statement": [{"Condition": {"StringEquals": {"aws:PrincipalTag/{{ a }}": "y"}}}]},
    ],
)
def test_a_placeholder_never_stands_in_a_key(policy: Any) -> None:
    with pytest.raises(TemplateError, match="may not stand in a key"):
        PolicyTemplate.parse(policy)


@pytest.mark.parametrize(
    "resource", ["arn/${aws:PrincipalTag/{{ a }}}", "arn/${{{ a }}}", "${aws:userid}/${x{{ a }}y}", "${{{ a }}{{ b }}}"]
)
def test_a_placeholder_never_chooses_a_policy_variable(resource: str) -> None:
    with pytest.raises(TemplateError, match="inside a policy variable"):
        PolicyTemplate.parse({"Resource": resource})


def test_a_placeholder_may_stand_beside_a_policy_variable() -> None:
    made = PolicyTemplate.parse({"Resource": "arn/{{ a }}/${aws:userid}/{{ b }}"})
    assert json.loads(made.fill({"a": "x", "b": "y"})) == {"Resource": "arn/x/${aws:userid}/y"}


def test_broken_braces_in_a_policy_are_refused() -> None:
    with pytest.raises(TemplateError):
        PolicyTemplate.parse({"Resource": "arn/{{ a"})


def test_a_policy_is_filled_in_its_places_and_written_canonically() -> None:
    made = PolicyTemplate.parse(POLICY)
    filled = made.fill({"namespace": "analytics", "month": "2026-03"})
    expected = json.dumps(POLICY)
    for place, value in (("namespace", "analytics"), ("month", "2026-03")):
        expected = expected.replace("{{ " + place + " }}", value).replace("{{" + place + "}}", value)
    assert json.loads(filled) == json.loads(expected)
    assert filled.startswith('{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":["s3:Get')
    assert made.names() == {"namespace", "month"}
    assert [str(text) for text in made.texts()][1] == "arn:aws:s3:::{{ namespace }}-{{ month }}"


def test_characters_beyond_ascii_count_once() -> None:
    assert PolicyTemplate.parse({"Resource": "{{ a }}"}).fill({"a": "caf\u00e9"}) == '{"Resource":"caf\u00e9"}'


@given(ADMISSIBLE, ADMISSIBLE)
def test_no_admissible_value_changes_anything_but_its_place(namespace: str, month: str) -> None:
    filled = PolicyTemplate.parse(POLICY).fill({"namespace": namespace, "month": month})
    read = json.loads(filled)
    assert list(read) == list(POLICY)
    assert special(filled) == special(json.dumps(POLICY))
    for before, after in zip(POLICY["Statement"], read["Statement"], strict=True):
        assert list(before) == list(after)
        assert [before.get(key) for key in ("Sid", "Effect", "Action", "NotAction")] == [
            after.get(key) for key in ("Sid", "Effect", "Action", "NotAction")
        ]
    assert read["Statement"][0]["Resource"] == [
        f"arn:aws:s3:::reports/{namespace}/{month}/*",
        "arn:aws:s3:::shared/${aws:userid}/?",
    ]
    assert read["Statement"][1]["NotResource"] == f"arn:aws:s3:::{namespace}-{month}"
    assert read["Statement"][1]["Condition"]["StringNotEquals"]["s3:prefix"] == [f"{namespace}/", month]


@pytest.mark.parametrize("value", HOSTILE)
def test_even_a_value_that_slipped_through_is_refused_or_stays_one_string(value: str) -> None:
    made = PolicyTemplate.parse({"Statement": [{"Effect": "Allow", "Resource": ["a/{{ x }}/b"]}]})
    if any(mark in json.dumps(value)[1:-1] for mark in '"{}\\*?$'):
        with pytest.raises(ValueNotAllowed):
            made.fill({"x": value})
    else:
        filled = json.loads(made.fill({"x": value}))
        assert filled == {"Statement": [{"Effect": "Allow", "Resource": [f"a/{value}/b"]}]}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ x }}", "*"),
        ("{{ x }}", "a?"),
        ("{{ x }}", "${aws:username}"),
        ("${{ x }}", "{aws:username}"),
        ("a*{{ x }}", "?"),
        ("*{{ x }}?", "?*"),
    ],
)
def test_a_value_that_adds_a_wildcard_or_a_variable_is_refused_by_the_second_lock(source: str, value: str) -> None:
    with pytest.raises(ValueNotAllowed) as caught:
        PolicyTemplate.parse({"Resource": source}).fill({"x": value})
    assert caught.value.reason is Reason.STRUCTURE


@pytest.mark.parametrize("source", ["{{ aB }}", "{{ a:b }}", "{{ a@ }}", "{{ a[0] }}", "{{ a^ }}", "{{ a=b }}"])
def test_a_name_has_small_letters_digits_and_underscores_alone(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Text.parse(source)
    assert str(caught.value) == "a placeholder is written {{ name }}, the name in lower case with digits and _"


@pytest.mark.parametrize("value", ["{", "}", "*", "?", "$", "\\", '"'])
def test_each_mark_alone_is_refused_by_the_second_lock(value: str) -> None:
    with pytest.raises(ValueNotAllowed) as caught:
        PolicyTemplate.parse({"Resource": "a/{{ x }}"}).fill({"x": f"a{value}b"})
    assert caught.value.detail == "the filled policy does not have the shape of its template"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"Sid": "{{ a }}"}, "a placeholder may stand only in Resource, NotResource and Condition values: '{{ a }}'"),
        ({"Resource": "${x{{ a }}}"}, "a placeholder may not stand inside a policy variable: '${x{{ a }}}'"),
        ({"{{ a }}": ""}, "a placeholder may not stand in a key: '{{ a }}'"),
    ],
)
def test_the_author_is_told_what_is_wrong_and_where(policy: Any, told: str) -> None:
    with pytest.raises(TemplateError) as caught:
        PolicyTemplate.parse(policy)
    assert str(caught.value) == told


def test_a_placeholder_may_stand_behind_any_number_of_policy_variables() -> None:
    made = PolicyTemplate.parse({"Resource": "arn/${aws:userid}/${aws:PrincipalTag/x}/{{ a }}/${aws:userid}/{{ b }}"})
    assert made.names() == {"a", "b"}
