"""T11, T15, T16, T22: what a signed claim or a parameter says comes into a policy as one plain value, or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest

from tests.attacks.ground import GOOD, container, twin
from tests.server.http import request

if TYPE_CHECKING:
    from tests.attacks.ground import Ground

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

PLAIN: Final = ("a", "A-Z_0.9", "user@example.com", "k=v", "...", "..a", "a" * 63, "-", "0")
HOSTILE: Final[tuple[str, ...]] = (
    *("*", "a*", "*a", "?", "a?b", "**", "%2A", "\\*", "$", "$$", "${*}", "${?}", "${$}", "$a", "{{ name }}", "{{x}}"),
    *("${aws:username}", "${aws:PrincipalTag/team}", "${aws:PrincipalTag/team, '*'}", "${aws:userid}", "${}", "%", "#"),
    *(
        "a/b",
        "/",
        "/a",
        "a/",
        "..",
        ".",
        "../a",
        "a/../b",
        "a/..",
        "./a",
        "a//b",
        "..\\a",
        "a\\b",
        "a:b",
        "arn:aws:s3:::b",
    ),
    *(
        '"',
        "'",
        "`",
        '","',
        'a"],"Action":["*',
        '"}]}',
        '\\",',
        "\\u002a",
        "\\x2a",
        "&#42;",
        "<a>",
        "&",
        ";",
        "|",
        "a,b",
    ),
    *(
        "",
        " ",
        " a",
        "a ",
        "a b",
        "a\tb",
        "a\nb",
        "a\r\nb",
        "a\0b",
        "\0",
        "\x7f",
        "\x1b[2J",
        "\x80",
        "\x85",
        "\xa0",
        "\xad",
    ),
    *(
        "\u00e4",
        "\u0430nalytics",
        "\uff0a",
        "\uff1f",
        "\uff04{aws:username}",
        "\u2217",
        "\u204e",
        "\u066d",
        "\u2026",
        "\u2024\u2024",
    ),
    *(
        "a\u0301",
        "\u200b",
        "a\u200bb",
        "\ufeff",
        "\u202ea",
        "\U0001f511",
        "\u2028",
        "\u2029",
        "\uff0f",
        "\u2215",
        "\u29f8",
    ),
    *("(a)", "[a]", "{a}", "a+b", "a~b", "a!b", "^", "a^b", "<", ">", "a*" * 40, "a" * 2_000, "a" * 10_000),
)
NO_TEXT: Final[dict[str, Any]] = {
    "null": None,
    "a number": 7,
    "zero": 0,
    "true": True,
    "false": False,
    "a list": ["analytics"],
    "an empty list": [],
    "an object": {"analytics": "analytics"},
    "an object that is empty": {},
    "a point": 1.5,
}
# A parameter whose declaration admits a path may be one.
PATHS: Final = ("a/b", "a/b/c")
BEYOND: Final = (
    "/",
    "/a",
    "a/",
    "a//b",
    "a/../b",
    "a/..",
    "../a",
    "./a",
    "..",
    ".",
    "a/./b",
    "a/*",
    "a/b*",
    "a/${x}",
    "a/ ",
    "a\\b",
)


def _expected(**changed: str) -> str:
    said = {**GOOD, **changed}
    return f"arn:aws:s3:::builds/{said['team']}/{said['name']}/{said['folder']}/*"


def _resource(ground: Ground, key_id: str) -> Any:
    policy = json.loads(ground.behind(key_id).policy or "")
    (statement,) = policy.pop("Statement")
    assert policy == {"Version": "2012-10-17"}
    resource, condition = statement.pop("Resource"), statement.pop("Condition")
    assert statement == {"Effect": "Allow", "Action": "s3:PutObject"}
    assert condition == {"StringEquals": {"aws:PrincipalTag/team": resource.split(":::builds/")[1].split("/")[0]}}
    return resource


@pytest.mark.parametrize("value", PLAIN)
async def test_t11_a_plain_value_is_filled_as_it_is(ground: Ground, value: str) -> None:
    answer = await ground.ask(container(ground.builder(team=value), "builds:write", name=value))
    assert _resource(ground, answer.key_id) == _expected(team=value, name=value)


@pytest.mark.parametrize("value", PATHS)
async def test_t11_a_path_is_filled_where_it_is_declared_as_one(ground: Ground, value: str) -> None:
    answer = await ground.ask(container(ground.builder(), "builds:write", folder=value))
    assert _resource(ground, answer.key_id) == _expected(folder=value)


@pytest.mark.parametrize("value", HOSTILE, ids=[f"T11 {ascii(value)[:40]}" for value in HOSTILE])
async def test_t11_a_hostile_value_is_never_filled(ground: Ground, value: str) -> None:
    asked = len(ground.sts.requests)
    good = ground.builder()
    answers = [
        await ground.ask(container(ground.builder(team=value), "builds:write")),
        await ground.ask(request(f"/v1/credentials/builds:write?name={quote(value, safe='')}", good)),
        await ground.ask(twin(good, {"parameters": {"name": value}}, "builds:write")),
    ]
    assert [answer.status // 100 for answer in answers] == [4] * 3
    assert len(ground.sts.requests) == asked


@pytest.mark.parametrize("value", BEYOND, ids=[f"T11 {value!a}" for value in BEYOND])
async def test_t11_no_path_climbs_or_widens(ground: Ground, value: str) -> None:
    asked = len(ground.sts.requests)
    answer = await ground.ask(container(ground.builder(), "builds:write", folder=value))
    assert answer.code == "value_not_allowed"
    assert len(ground.sts.requests) == asked


@pytest.mark.parametrize("value", ["", "prod*", "PROD", "production", "dev,prod", "prod/", ":role/admin", "prod "])
async def test_t13_a_role_is_one_of_those_that_are_listed(ground: Ground, value: str) -> None:
    asked = len(ground.sts.requests)
    assert (await ground.ask(container(ground.builder(), "builds:write", stage=value))).code == "value_not_allowed"
    assert len(ground.sts.requests) == asked


@pytest.mark.parametrize("kind", NO_TEXT)
async def test_t15_what_is_no_text_is_no_value(ground: Ground, kind: str) -> None:
    asked = len(ground.sts.requests)
    value = NO_TEXT[kind]
    claim = ground.builds.raw_token(json.dumps({**ground.builds.claims(), "sub": "builder", "team": value}).encode())
    # A number in a claim reads the same wherever it is filled in: it is an attribute of its own type.
    if not (isinstance(value, int) and not isinstance(value, bool)):
        assert (await ground.ask(container(claim, "builds:write"))).status // 100 == 4
    assert (await ground.ask(twin(ground.builder(), {"parameters": {"name": value}}, "builds:write"))).status == 400
    assert isinstance(value, int) or len(ground.sts.requests) == asked


ADMINS: Final[dict[str, dict[str, Any]]] = {
    "T15 admin is a text": {"admin": "true"},
    "T15 admin is one": {"admin": 1},
    "T15 admin is a list": {"admin": [True]},
    "T15 admin is an object": {"admin": {"true": True}},
    "T15 admin is null": {"admin": None},
    "T15 level is a text": {"level": "1"},
    "T15 level is true": {"level": True},
    "T15 level has a point": {"level": 1.0},
    "T15 level is a list": {"level": [1]},
    "T15 groups is a text": {"groups": "admins"},
    "T15 groups is a text that holds it": {"groups": "users,admins"},
    "T15 groups holds a list": {"groups": [["admins"]]},
    "T15 groups holds an object": {"groups": [{"admins": True}]},
    "T16 groups in another case": {"groups": ["Admins"]},
    "T16 groups with a space": {"groups": ["admins "]},
    "T16 groups with a Cyrillic letter": {"groups": ["\u0430dmins"]},
    "T16 groups with a newline": {"groups": ["admins\n"]},
    "T16 groups in full width": {"groups": ["\uff41dmins"]},
    "T15 groups is an object": {"groups": {"admins": "admins"}},
    "T15 admin in a nested claim": {"claims": {"admin": True}},
    "T16 a claim in another case": {"Admin": True},
}


@pytest.mark.parametrize("name", ADMINS)
async def test_t15_t16_nothing_that_only_looks_like_it_matches(ground: Ground, name: str) -> None:
    answer = await ground.ask(container(ground.builder(**ADMINS[name]), "builds:admin"))
    assert answer.status in (401, 403)


@pytest.mark.parametrize("claims", [{"admin": True}, {"level": 1}, {"groups": ["users", "admins"]}])
async def test_t15_what_is_it_matches(ground: Ground, claims: dict[str, Any]) -> None:
    assert (await ground.ask(container(ground.builder(**claims), "builds:admin"))).status == 200


SUBJECTS: Final = (
    "builder ",
    " builder",
    "Builder",
    "builder\0",
    "builder\n",
    "buil\u0501er",
    "builder/../admin",
    "builder*",
)


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_t16_a_subject_is_the_same_byte_for_byte_or_another(ground: Ground, subject: str) -> None:
    answer = await ground.ask(container(ground.builder(sub=subject), "builds:write"))
    assert answer.status in (401, 403)


async def test_t22_two_that_read_the_same_never_share_a_session_name(ground: Ground) -> None:
    tokens = [ground.reporter(algorithm=algorithm) for algorithm in ground.issuers]
    answers = [await ground.ask(twin(token, {})) for token in tokens]
    assert len({answer.json["SessionName"] for answer in answers}) == len(answers)
    assert len({answer.key_id for answer in answers}) == len(answers)
