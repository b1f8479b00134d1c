"""Attributes: what verified claims say of a workload, by the kind of issuer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.identity import made
from vendor.identity import attributes
from vendor.identity.issuer import Kind
from vendor.refusals import InvalidToken, Reason

SUBJECT = "system:serviceaccount:analytics:reporter"
BOUND: dict[str, Any] = {
    "namespace": "analytics",
    "serviceaccount": {"name": "reporter", "uid": "uid-1"},
    "pod": {"name": "reporter-0", "uid": "uid-2"},
    "node": {"name": "node-1", "uid": "uid-3"},
}
KUBERNETES = made.issuer()
GENERIC = made.issuer(kind=Kind.GENERIC)


def read(bound: Any, subject: str = SUBJECT) -> dict[str, Any]:
    return dict(attributes.read(KUBERNETES, subject, {"kubernetes.io": bound}))


def extra(claims: dict[str, Any], *path: str) -> Any:
    issuer = made.issuer(kind=Kind.GENERIC, extra_attributes=(("team", path),))
    return attributes.read(issuer, "me", claims).get("team", "absent")


def test_a_bound_token_yields_its_pod() -> None:
    assert read(BOUND) == {
        "issuer": "cluster-a",
        "subject": SUBJECT,
        "namespace": "analytics",
        "service_account": "reporter",
        "service_account_uid": "uid-1",
        "pod": "reporter-0",
        "pod_uid": "uid-2",
        "node": "node-1",
    }


@pytest.mark.parametrize("name", ["pod", "node"])
def test_a_token_that_is_bound_to_less_yields_less(name: str) -> None:
    found = read({key: value for key, value in BOUND.items() if key != name})
    assert name not in found
    assert found["namespace"] == "analytics"


@pytest.mark.parametrize(
    "subject",
    [
        "system:serviceaccount:analytics:other",
        "system:serviceaccount:other:reporter",
        "system:serviceaccount:analytics:reporter:x",
        "system:serviceaccount:analytics:Reporter",
        "system:serviceaccount:analytics",
        "reporter",
        "system:node:node-1",
    ],
)
def test_a_subject_that_disagrees_with_the_claims_is_refused(subject: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        read(BOUND, subject)
    assert caught.value.reason is Reason.CLAIMS
    assert "do not agree" in caught.value.detail


@pytest.mark.parametrize(
    ("bound", "subject"),
    [
        (None, "system:serviceaccount:None:None"),
        ({}, "system:serviceaccount:None:None"),
        ({"namespace": "a"}, "system:serviceaccount:a:None"),
        ({"serviceaccount": {"name": "b"}}, "system:serviceaccount:None:b"),
        ([], "system:serviceaccount:None:None"),
        ("x", "system:serviceaccount:None:None"),
        ({"namespace": {}, "serviceaccount": "b"}, "system:serviceaccount:{}:None"),
        ({"namespace": 1.5, "serviceaccount": {"name": "b"}}, "system:serviceaccount:1.5:b"),
    ],
)
def test_claims_that_name_no_service_account_are_refused_whatever_the_subject(bound: Any, subject: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        read(bound, subject)
    assert caught.value.reason is Reason.CLAIMS
    assert "do not agree" not in caught.value.detail


@pytest.mark.parametrize("value", [1, True, "", "caf\u00e9", "a\nb", "a\0b", ["analytics"]])
@pytest.mark.parametrize("name", ["namespace", "pod"])
def test_an_identity_that_is_no_printable_ascii_text_is_refused(name: str, value: Any) -> None:
    bound = {**BOUND, name: value if name == "namespace" else {"name": value}}
    shown = tuple(value) if isinstance(value, list) else value
    subject = f"system:serviceaccount:{shown}:reporter" if name == "namespace" else SUBJECT
    with pytest.raises(InvalidToken) as caught:
        read(bound, subject)
    assert caught.value.detail == f"the claim behind {name} is not printable ASCII text"


@pytest.mark.parametrize("pod", ["reporter-0", ["reporter-0"], 1, True, ""])
def test_a_pod_that_is_no_object_is_not_taken_for_none(pod: Any) -> None:
    with pytest.raises(InvalidToken) as caught:
        read({**BOUND, "pod": pod})
    assert caught.value.detail == "the claim behind pod is not printable ASCII text"


def test_a_generic_token_yields_issuer_and_subject_alone() -> None:
    found = attributes.read(GENERIC, "me", {"sub": "other", "issuer": "x", "kubernetes.io": BOUND, "email": "a@b"})
    assert found == {"issuer": "cluster-a", "subject": "me"}


def test_attributes_do_not_change() -> None:
    with pytest.raises(TypeError):
        attributes.read(GENERIC, "me", {})["subject"] = "other"  # type: ignore[index]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("blue", "blue"),
        ("", ""),
        ("caf\u00e9", "caf\u00e9"),
        (7, 7),
        (True, True),
        (["a", "b"], ("a", "b")),
        ([], ()),
        (["a", 1], "absent"),
        (1.5, "absent"),
        (None, "absent"),
        ({"a": "b"}, "absent"),
    ],
)
def test_an_extra_attribute_is_a_text_a_number_a_truth_or_a_list_of_texts(value: Any, found: Any) -> None:
    said = extra({"labels": {"team": value}}, "labels", "team")
    assert said == found
    assert type(said) is type(found)


@pytest.mark.parametrize(
    "claims", [{}, {"labels": None}, {"labels": "team"}, {"labels": ["team"]}, {"labels": {}}, {"labels.team": "x"}]
)
def test_an_extra_attribute_whose_claim_is_missing_is_absent(claims: dict[str, Any]) -> None:
    assert extra(claims, "labels", "team") == "absent"


def test_an_extra_attribute_of_a_pod_stands_beside_its_own() -> None:
    issuer = made.issuer(extra_attributes=(("team", ("labels", "team")),))
    found = attributes.read(issuer, SUBJECT, {"kubernetes.io": BOUND, "labels": {"team": "blue"}})
    assert (found["team"], found["namespace"]) == ("blue", "analytics")


def test_the_names_are_what_reading_can_yield() -> None:
    issuer = made.issuer(extra_attributes=(("team", ("labels", "team")),))
    assert attributes.names(issuer) == (*attributes.names(KUBERNETES), "team")
    assert set(read(BOUND)) == set(attributes.names(KUBERNETES))
    assert attributes.names(GENERIC) == ("issuer", "subject")
    assert attributes.RULES[Kind.KUBERNETES].optional == {"service_account_uid", "pod", "pod_uid", "node"}


@pytest.mark.parametrize(
    ("kind", "name", "types"),
    [
        (Kind.KUBERNETES, "subject", {str}),
        (Kind.KUBERNETES, "namespace", {str}),
        (Kind.KUBERNETES, "repository", set()),
        (Kind.KUBERNETES, "team", {str, int, bool, tuple}),
        (Kind.COGNITO, "username", {str}),
        (Kind.COGNITO, "groups", {tuple}),
        (Kind.AWS, "any_tag", {str}),
        (Kind.AWS, "team", {str, int, bool, tuple}),
    ],
)
def test_the_types_of_an_attribute_are_known_but_of_claims_that_the_configuration_names(
    kind: Kind, name: str, types: set[type]
) -> None:
    issuer = made.issuer(kind=kind, extra_attributes=(("team", ("labels", "team")),))
    assert attributes.types(issuer, name) == types
