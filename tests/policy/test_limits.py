"""Each limit of STS at, below and above it: nothing that STS would refuse is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests import made
from tests.fakes.clock import START
from vendor.policy import limits
from vendor.policy.session import Action, Hop, Provider
from vendor.refusals import Code, InvalidRequest, PolicyTooLarge, Reason, ValueNotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
PROVIDER = "arn:aws:iam::111122223333:saml-provider/a"
TAKEN: list[dict[str, Any]] = [
    {},
    {"policy": None},
    {"policy": "x" * 2048},
    {"policy": "\t\n\r ~\u00ff"},
    {"role_arn": "arn:aws:iam::111122223333:role/a"},
    {"role_arn": "arn:aws-cn:iam::111122223333:role/path/to/a"},
    {"role_arn": "arn:aws-us-gov:iam::111122223333:role/a"},
    {"role_arn": "arn:aws:iam:::role/a"},
    {"role_arn": "arn:aws:iam::111122223333:role/" + "a" * 576},
    {"session_name": "ab"},
    {"session_name": "A-z_0+=,.@" + "a" * 54},
    {"source_identity": None},
    {"source_identity": "ab"},
    {"source_identity": "a" * 64},
    {"external_id": None},
    {"external_id": "a:"},
    {"external_id": "aws:x"},
    {"external_id": "a" * 1224},
    {"tags": (), "transitive_tags": ()},
    {"tags": tuple((f"k{number}", "") for number in range(50)), "transitive_tags": ("k49",)},
    {"tags": (("k", "v"),), "transitive_tags": ()},
    {"tags": (("k" * 128, "v" * 256),), "transitive_tags": ()},
    {"tags": (("a b_.:/=+-@", "aws:x"),), "transitive_tags": ()},
    {"tags": (("xaws:a", "b"),), "transitive_tags": ()},
    {"policy_arns": ()},
    {"policy_arns": ("arn:aws:iam::aws:policy/ReadOnlyAccess",) * 10},
    {"via": (Hop("arn:aws:iam::111122223333:role/hub", None), Hop("arn:aws:iam:::role/x", "to-x"))},
    {
        "action": Action.SAML,
        "session_name": "",
        "provider": Provider("arn:aws:iam::111122223333:saml-provider/a", None),
    },
    {"action": Action.SESSION_TOKEN, "role_arn": "", "session_name": ""},
    {"action": Action.FEDERATION_TOKEN, "role_arn": "", "session_name": "ab"},
    {"action": Action.FEDERATION_TOKEN, "role_arn": "", "session_name": "a" * 32},
    {
        "action": Action.ROOT,
        "role_arn": "arn:aws:iam::111122223333:root",
        "session_name": "",
        "duration": timedelta(minutes=15),
    },
    {"action": Action.IDENTITY_TOKEN, "role_arn": "", "session_name": "", "duration": HOUR},
    {"action": Action.WEB_IDENTITY, "duration": 12 * HOUR},
    {"duration": 12 * HOUR},
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"policy": ""}, "the policy"),
    ({"policy": "x\0"}, "the policy"),
    ({"policy": "x\x0b"}, "the policy"),
    ({"policy": "\u0100"}, "the policy"),
    ({"role_arn": ""}, "the role"),
    ({"role_arn": "arn:aws:iam::11112222333:role/a"}, "the role"),
    ({"role_arn": "arn:aws:iam::1111222233334:role/a"}, "the role"),
    ({"role_arn": "arn:aws:iam::111122223333:user/a"}, "the role"),
    ({"role_arn": "arn:aws:iam::111122223333:role/"}, "the role"),
    ({"role_arn": "arn:aws:iam::111122223333:role/a\n"}, "the role"),
    ({"role_arn": "arn:aws:iam::111122223333:role/a*"}, "the role"),
    (
        {"role_arn": "arn:aws:iam::\u0661\u0661\u0661\u0661\u0662\u0662\u0662\u0662\u0663\u0663\u0663\u0663:role/a"},
        "the role",
    ),
    ({"role_arn": "arn:aws:iam::111122223333:role/" + "a" * 577}, "the role"),
    ({"role_arn": "arn:evil:iam::111122223333:role/a"}, "the role"),
    ({"session_name": "a"}, "the session name"),
    ({"session_name": "a" * 65}, "the session name"),
    ({"session_name": "a:b"}, "the session name"),
    ({"session_name": "a/b"}, "the session name"),
    ({"session_name": "ab\n"}, "the session name"),
    ({"session_name": "\u00e9\u00e9"}, "the session name"),
    ({"source_identity": "a"}, "the source identity"),
    ({"source_identity": ""}, "the source identity"),
    ({"source_identity": "a" * 65}, "the source identity"),
    ({"source_identity": "aws:x"}, "the source identity"),
    ({"external_id": "a"}, "the external id"),
    ({"external_id": "a" * 1225}, "the external id"),
    ({"external_id": "a b"}, "the external id"),
    ({"external_id": "ab\n"}, "the external id"),
    ({"tags": tuple((f"k{number}", "") for number in range(51)), "transitive_tags": ()}, "the tags"),
    ({"tags": (("Team", "a"), ("team", "b")), "transitive_tags": ()}, "the tags"),
    ({"tags": (("", "a"),), "transitive_tags": ()}, "the tag "),
    ({"tags": (("k" * 129, "a"),), "transitive_tags": ()}, "the tag " + "k" * 129),
    ({"tags": (("k", "v" * 257),), "transitive_tags": ()}, "the tag k"),
    ({"tags": (("k\n", "v"),), "transitive_tags": ()}, "the tag k\n"),
    ({"tags": (("k", "v\n"),), "transitive_tags": ()}, "the tag k"),
    ({"tags": (("k", "v*"),), "transitive_tags": ()}, "the tag k"),
    ({"tags": (("aws:k", "v"),), "transitive_tags": ()}, "the tag aws:k"),
    ({"tags": (("AWS:k", "v"),), "transitive_tags": ()}, "the tag AWS:k"),
    ({"transitive_tags": ("Namespace",)}, "the transitive tags"),
    ({"policy_arns": ("arn:aws:iam::aws:policy/ReadOnlyAccess",) * 11}, "the policy ARNs"),
    ({"via": (Hop("arn:aws:iam::1:role/hub", None),)}, "a role on the way"),
    ({"via": (Hop("arn:aws:iam::111122223333:role/hub", "a"),)}, "the external id"),
    ({"via": (Hop("arn:aws:iam::111122223333:role/hub", None),), "duration": HOUR + SECOND}, "the duration"),
    ({"provider": Provider("arn:aws:iam::111122223333:oidc-provider/a", None)}, "the provider"),
    ({"action": Action.SESSION_TOKEN, "session_name": ""}, "the role"),
    ({"action": Action.SESSION_TOKEN, "role_arn": ""}, "the session name"),
    ({"action": Action.FEDERATION_TOKEN, "role_arn": "", "session_name": "a"}, "the session name"),
    ({"action": Action.FEDERATION_TOKEN, "role_arn": "", "session_name": "a" * 33}, "the session name"),
    ({"action": Action.ROOT, "session_name": ""}, "the role"),
    (
        {
            "action": Action.ROOT,
            "role_arn": "arn:aws:iam::111122223333:root",
            "session_name": "",
            "duration": timedelta(minutes=15) + SECOND,
        },
        "the duration",
    ),
    (
        {"action": Action.IDENTITY_TOKEN, "role_arn": "", "session_name": "", "duration": HOUR + SECOND},
        "the duration",
    ),
    ({"duration": 12 * HOUR + SECOND}, "the duration"),
]


@pytest.mark.parametrize("changes", TAKEN, ids=lambda changes: ascii(changes)[:60])
def test_what_sts_takes_is_let_through(changes: dict[str, Any]) -> None:
    session = made.session(**changes)
    assert limits.check(session) is session


@pytest.mark.parametrize(("changes", "what"), REFUSED, ids=lambda part: ascii(part)[:60])
def test_what_sts_would_refuse_is_refused_before(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueNotAllowed) as caught:
        limits.check(made.session(**changes))
    assert caught.value.reason is Reason.LIMIT
    assert caught.value.public == f"{what} would not be taken by AWS"
    assert caught.value.detail.startswith(f"{what}: ")


def test_a_policy_of_one_character_too_many_is_refused_as_too_large() -> None:
    with pytest.raises(PolicyTooLarge) as caught:
        limits.check(made.session(policy="x" * 2049))
    assert (caught.value.code, caught.value.reason) == (Code.POLICY_TOO_LARGE, Reason.LIMIT)
    assert "2049 characters" in caught.value.detail


@pytest.mark.parametrize("seconds", [900, 901, 3600])
def test_a_duration_within_both_limits_is_given(seconds: int) -> None:
    assert limits.check_duration(timedelta(seconds=seconds), HOUR) == timedelta(seconds=seconds)


def test_twelve_hours_are_given_where_the_scope_has_them() -> None:
    assert limits.check_duration(limits.LONGEST, timedelta(hours=12)) == timedelta(seconds=43_200)


@pytest.mark.parametrize("seconds", [-1, 0, 899, 43_201, 10**9])
def test_a_duration_that_sts_never_gives_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        limits.check_duration(timedelta(seconds=seconds), timedelta(days=20_000))
    assert caught.value.reason is Reason.DURATION
    assert caught.value.public == "duration_seconds must be from 900 to 43200"


def test_a_duration_beyond_the_scope_is_refused_and_not_lowered() -> None:
    with pytest.raises(InvalidRequest) as caught:
        limits.check_duration(timedelta(seconds=3601), HOUR)
    assert caught.value.public == "this scope gives at most 3600 seconds"


def test_an_external_id_is_a_shared_secret_and_stands_in_no_text_of_its_refusal() -> None:
    with pytest.raises(ValueNotAllowed) as refused:
        limits.check(made.session(external_id="CANARY secret"))
    assert "CANARY" not in refused.value.detail + refused.value.public


def test_a_session_lasts_as_long_as_is_asked_or_until_it_must_end_in_whole_seconds() -> None:
    assert limits.shortened(made.session(), START) == HOUR
    assert limits.shortened(made.session(not_after=START + 2 * HOUR), START) == HOUR
    sooner = made.session(not_after=START + timedelta(minutes=20, milliseconds=900))
    assert limits.shortened(sooner, START) == timedelta(minutes=20)
    assert limits.shortened(sooner, START + HOUR) < timedelta(0)


CHARACTERS = [*map(chr, range(0x180)), "\u0661", "\uff21", "\u2028", "\u212a"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# As the API reference lists them, letter by letter: a range in a pattern is easily written wrong.
ADMITTED: dict[str, tuple[Callable[[str], dict[str, Any]], str]] = {
    "a session name": (lambda text: {"session_name": text}, LETTERS + "_+=,.@-"),
    "a source identity": (lambda text: {"source_identity": text}, LETTERS + "_+=,.@-"),
    "an external id": (lambda text: {"external_id": text}, LETTERS + "_+=,.@:/-"),
    "a role's name": (lambda text: {"role_arn": f"arn:aws:iam::111122223333:role/{text}"}, LETTERS + "_+=,.@/-"),
    "a tag's key": (lambda text: {"tags": ((text, ""),), "transitive_tags": ()}, LETTERS + "_.:/=+@ -"),
    "a tag's value": (lambda text: {"tags": (("k", text),), "transitive_tags": ()}, LETTERS + "_.:/=+@ -"),
    "a policy": (lambda text: {"policy": text}, "\t\n\r" + "".join(map(chr, range(0x20, 0x100)))),
}


@pytest.mark.parametrize("what", ADMITTED)
def test_each_character_is_let_through_where_sts_takes_it_and_nowhere_else(what: str) -> None:
    changes, admitted = ADMITTED[what]
    taken = {character for character in CHARACTERS if _taken(changes(f"a{character}b"))}
    assert taken == set(admitted)


def _taken(changes: dict[str, Any]) -> bool:
    try:
        limits.check(made.session(**changes))
    except ValueNotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"policy": "\0"}, "the policy: a character that STS does not take"),
        ({"role_arn": "x" * 300}, "the role: '" + "x" * 199),
        ({"external_id": " "}, "the external id: a shared secret, so it is not shown here"),
        ({"policy_arns": ("a",) * 11}, "the policy ARNs: 11, more than 10"),
        ({"transitive_tags": ("x",)}, "the transitive tags: one that is no tag"),
        ({"tags": (("a", ""), ("A", ""))}, "the tags: more than 50, or two whose keys differ only in case"),
        ({"tags": (("k" * 300, ""),)}, f"the tag {'k' * 200}: too long"),
        ({"tags": (("aws:" + "k" * 124, ""),)}, f"the tag aws:{'k' * 124}: aws: is AWS's own prefix"),
        ({"tags": (("k", "*"),)}, "the tag k: a character that STS does not take"),
    ],
    ids=lambda part: ascii(part)[:40],
)
def test_the_operator_is_told_which_limit_it_was(changes: dict[str, Any], detail: str) -> None:
    with pytest.raises(ValueNotAllowed) as caught:
        limits.check(made.session(**changes))
    assert caught.value.detail == detail


def test_the_operator_is_told_how_large_the_policy_became() -> None:
    with pytest.raises(PolicyTooLarge) as caught:
        limits.check(made.session(policy="x" * 3000))
    assert caught.value.detail == "the filled policy has 3000 characters, STS takes 2048"
