"""No principal reaches what is another's, whatever both bring: policies that are accepted, as IAM reads them (T11).

What is a principal's own is what its attributes say; parameters are the caller's to choose, so those of the other
side are chosen to do harm.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from typing import Any, Final

import pytest

from tests import made
from tests.policy.iam import allows
from vendor.config import fragments, policies
from vendor.config.document import Document
from vendor.policy.decision import Asked, Mapping
from vendor.policy.granting import Permission
from vendor.policy.parameter import Parameter
from vendor.policy.template import Name, PolicyTemplate, Text
from vendor.refusals import ValueNotAllowed

pytestmark = [pytest.mark.thorough, pytest.mark.untraced]

PAIRS: Final = 10_000
EACH: Final = 40
"""Pairs that are tried with one template."""
ATTRIBUTES: Final = ("team", "unit")
# Beginnings and ends of one another, with all that an attribute may hold.
PLAIN: Final = (
    *("team", "team-a", "team-a.b", "team-a=b", "team-", "team@a", "team_a", "TEAM", "a", "a.", "a.b", "b", "-a"),
    *("-", "_", "=", "@", "...", ".a", "0", "team-a.b=c@d_e-f"),
)
BROUGHT: Final = (*PLAIN, "team/a", "a:b", "*", "team*", "a/b/team", "?", "a,b", "team a")
"""What a token may say of its principal; some of it is refused today."""
WIDE: Final = (*PLAIN, ":", "a:b", "team:", ",", "a,b", " ", "team a", "caf\xe9", "+", "%2F", "[a]", "#", ";", "~", "|")
LISTED: Final = ("team", "team-a", "a:b", "a b", "team.a")
PATHS: Final = ("a", "a/b", "team", "team/a", "team-a/b/team", "b/team-a", "a.b/c")
BEGINNINGS: Final = (
    *("arn:aws:s3:::data/", "arn:aws:s3:::data-", "arn:aws:s3:::", "arn:aws:sqs:*:111122223333:", "arn:aws:s3:::*/"),
    *("arn:aws:s3:::b?/", "arn:aws:s3:::home/${aws:userid}/", "arn:aws:s3:::*", "arn:aws:dynamodb:*:*:table/"),
)
GLUE: Final = (
    "/",
    "/",
    "-",
    "",
    ".",
    ":",
    "_x_",
    "/x/",
    "=",
    "@",
    "/*/",
    "*",
    "/?",
    "-x/",
    ",",
    " ",
    "/${aws:userid}/",
)
ENDS: Final = ("", "", "/*", "/*", "/", "*", "-*", ".json", "/x*", "/?", "?", "/${aws:userid}", ":*", "_*", ",*")
FILLINGS: Final = ("", "x", "/", ":", "/x/", "team", "/team/", "a/", "/team-a/b", "-a", ":table/team/", "a.b", "=b@d")
_WILD: Final = re.compile(r"\*|\$\{")


def _declared(name: str, **said: Any) -> Parameter:
    known: dict[str, Any] = {"pattern": None, "one_of": (), "path": False, "default": None}
    return Parameter(name=name, **{**known, **said})


ANYTHING: Final = re.compile("(?s).+")
PARAMETERS: Final = {
    "plain": (_declared("plain"), PLAIN),
    "wide": (_declared("wide", pattern=ANYTHING), WIDE),
    "listed": (_declared("listed", one_of=LISTED), LISTED),
    "path": (_declared("path", path=True), PATHS),
    "widest": (_declared("widest", path=True, pattern=ANYTHING), (*PATHS, "a:b/c d", "caf\xe9/,")),
    "places": (_declared("places", path=True, one_of=PATHS), PATHS),
}
"""Each way to declare a parameter, and what is tried as its value."""


def accepted(policy: dict[str, Any]) -> PolicyTemplate | None:
    """Return the policy if `vendor check` would take it."""
    document = Document("vendor.yaml")
    part = fragments.Part(value=policy, document=document, at=())
    whole = fragments.assembled(part, fragments.Named(document=document, policies={}, used=set()))
    assert whole
    return policies.template(whole, {name: declared for name, (declared, _) in PARAMETERS.items()})


def _pattern(chance: random.Random, beginning: str) -> str:
    names = [chance.choice((*ATTRIBUTES, *ATTRIBUTES, *PARAMETERS)) for _ in range(chance.randint(1, 3))]
    names[chance.randrange(len(names))] = chance.choice(ATTRIBUTES)
    glued = "".join(f"{{{{ {name} }}}}{chance.choice(GLUE)}" for name in names[:-1])
    return f"{beginning}{glued}{{{{ {names[-1]} }}}}{chance.choice(ENDS)}"


def _statement(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.7:
        return {"Resource": _pattern(chance, chance.choice(BEGINNINGS))}
    operator, beginning = chance.choice(
        [("StringLike", ""), ("StringLike", "home/"), ("StringEquals", "x/"), ("ArnLike", "arn:aws:s3:::data/")]
    )
    return {"Resource": "*", "Condition": {operator: {"x:key": _pattern(chance, beginning)}}}


def _places(policy: PolicyTemplate) -> Text:
    (text,) = policy.texts()
    return text


def is_anchored(text: Text) -> bool:
    """Tell whether each attribute stands at a fixed distance, in segments, from one end of what is matched.

    Between two wildcards a place is no one's prefix: it names a folder of that name at any depth, one that lies within
    somebody else's too. A path that the caller chooses is as good as a wildcard there.
    """
    wild = [
        (isinstance(part, Name) and part.name in PARAMETERS and PARAMETERS[part.name][0].path)
        or (isinstance(part, str) and _WILD.search(part) is not None)
        for part in text.parts
    ]
    return not any(
        isinstance(part, Name) and part.name in ATTRIBUTES and any(wild[:index]) and any(wild[index + 1 :])
        for index, part in enumerate(text.parts)
    )


def templates(chance: random.Random, number: int) -> list[tuple[dict[str, Any], PolicyTemplate]]:
    """Return as many policies that are accepted, none twice."""
    found: dict[str, tuple[dict[str, Any], PolicyTemplate]] = {}
    while len(found) < number:
        policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "x:Do", **_statement(chance)}}
        compiled = accepted(policy)
        if compiled is not None and is_anchored(_places(compiled)):
            found[json.dumps(policy)] = policy, compiled
    return list(found.values())


class Session:
    """What one principal got, and the context of its requests."""

    def __init__(self, mapping: Mapping, attributes: dict[str, str], parameters: dict[str, str]) -> None:
        (scope,) = mapping.scopes.values()
        who = made.principal(subject=json.dumps(attributes), attributes=attributes, token_sha256="")
        asked = Asked(scope=scope.name, parameters=parameters)
        session = mapping.open(Permission(scope=scope, grant=0), who, asked)
        self.said = attributes, parameters
        self.policy = json.loads(session.policy or "")
        self.user = {"aws:userid": f"AROAEXAMPLE:{session.session_name}"}

    def own(self, chance: random.Random) -> tuple[str, dict[str, str]]:
        """Return a resource and a context that this session's policy was written for."""
        (statement,) = self.policy["Statement"]
        if "Condition" not in statement:
            return self._something(statement["Resource"], chance), {}
        ((operator, keys),) = statement["Condition"].items()
        pattern = keys["x:key"]
        had = self._something(pattern, chance) if operator != "StringEquals" else self._named(pattern)
        return "arn:aws:s3:::x", {"x:key": had}

    def _named(self, pattern: str) -> str:
        return pattern.replace("${aws:userid}", self.user["aws:userid"])

    def _something(self, pattern: str, chance: random.Random) -> str:
        text = re.sub(r"\*", lambda _: chance.choice(FILLINGS), self._named(pattern))
        return re.sub(r"\?", lambda _: chance.choice("a/:.-"), text)

    def may(self, resource: str, context: dict[str, str]) -> bool:
        return allows(self.policy, "x:Do", resource, {**self.user, **context})


def _aimed(chance: random.Random, text: Text, known: dict[str, str], target: str) -> dict[str, str]:
    """Return values for all other places with which the filled text would match the target, if there are any."""
    pieces: list[str] = []
    for part in text.parts:
        if isinstance(part, str):
            literal = re.escape(part.replace("${aws:userid}", "*"))
            pieces.append(literal.replace(r"\*", ".*").replace(r"\?", "."))
        elif part.name in known:
            pieces.append(re.escape(known[part.name]))
        else:
            again = f"(?P<{part.name}>" in "".join(pieces)
            shape = _shape(part.name) + chance.choice(("+", "+?"))
            pieces.append(f"(?P={part.name})" if again else f"(?P<{part.name}>{shape})")
    found = re.fullmatch("".join(pieces), target, re.DOTALL)
    return found.groupdict() if found else {}


def _shape(name: str) -> str:
    """Return what may stand in a place; of an attribute more than may, since that is what is tried."""
    declared = PARAMETERS[name][0] if name in PARAMETERS else None
    if declared is None:
        return "[A-Za-z0-9._=@/:-]"
    if declared.one_of:
        return f"(?:{'|'.join(map(re.escape, declared.one_of))})"
    if declared.pattern:
        return "[^*?$'`{}]" if declared.path else "[^/*?$'`{}]"
    return "[A-Za-z0-9._=@/-]" if declared.path else "[A-Za-z0-9._=@-]"


def _mapping(policy: PolicyTemplate) -> Mapping:
    declared = tuple(PARAMETERS[name][0] for name in sorted(policy.names() & PARAMETERS.keys()))
    scope = made.scope(session=replace(made.scope().session, policy=policy), parameters=declared)
    return Mapping(scopes={scope.name: scope}, generation=1)


def _session(mapping: Mapping, attributes: dict[str, str], parameters: dict[str, str]) -> Session | None:
    try:
        return Session(mapping, attributes, parameters)
    except ValueNotAllowed:
        return None


def _two(
    chance: random.Random, policy: PolicyTemplate, mapping: Mapping
) -> tuple[Session, Session, str, dict[str, str]] | None:
    """Return two principals' sessions, the second one's resource and context; None if a value was refused."""
    names = sorted(policy.names())
    others = {name: chance.choice(BROUGHT) for name in names if name in ATTRIBUTES}
    free = {name: chance.choice(PARAMETERS[name][1]) for name in names if name in PARAMETERS}
    other = _session(mapping, others, free)
    if other is None:
        return None
    resource, context = other.own(chance)
    brought = _harmful(chance, _places(policy), others, context.get("x:key", resource))
    mine = {name: brought.get(name) or chance.choice(BROUGHT) for name in others}
    one = _session(mapping, mine, {name: brought.get(name, value) for name, value in free.items()})
    return None if one is None or mine == others else (one, other, resource, context)


def _harmful(chance: random.Random, text: Text, others: dict[str, str], target: str) -> dict[str, str]:
    """Return what somebody else would bring to reach the target: other attributes if there are such."""
    for known in ({}, {name: chance.choice(PLAIN) for name in others}):
        found = _aimed(chance, text, known, target)
        if found and {name: {**known, **found}[name] for name in others} != others:
            return {**known, **found}
    return {}


def test_t11_of_ten_thousand_pairs_none_is_allowed_what_is_the_others() -> None:
    chance = random.Random(11)  # noqa: S311 - values to try, no secrets
    tried = [(written, policy, _mapping(policy)) for written, policy in templates(chance, PAIRS // EACH)]
    pairs = 0
    while pairs < PAIRS:
        written, policy, mapping = chance.choice(tried)
        found = _two(chance, policy, mapping)
        if found is not None:
            one, other, resource, context = found
            assert other.may(resource, context), (written, other.said, resource, context)
            assert not one.may(resource, context), (written, one.said, other.said, resource, context)
            pairs += 1


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:s3:::data/{{ team }}/*",
        "arn:aws:s3:::data-{{ team }}/{{ unit }}/*",
        "arn:aws:s3:::data/x/{{ team }}/y/{{ path }}/*",
        "arn:aws:s3:::data/{{ wide }}/{{ team }}/{{ widest }}",
        "arn:aws:sqs:*:111122223333:{{ team }}",
        "arn:aws:s3:::*/{{ team }}",
    ],
)
def test_what_people_write_is_among_what_is_tried(resource: str) -> None:
    compiled = accepted(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "x:Do", "Resource": resource}]}
    )
    assert compiled
    assert is_anchored(_places(compiled))


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:s3:::data/{{ team }}*",
        "arn:aws:s3:::data/{{ team }}-*",
        "arn:aws:s3:::data/{{ team }}?",
        "arn:aws:s3:::data/{{ team }}{{ unit }}",
        "arn:aws:s3:::data/{{ team }}.{{ unit }}/*",
        "arn:aws:s3:::data/{{ wide }}:{{ team }}/*",
        "arn:aws:s3:::data/{{ path }}/{{ team }}/*",
        "arn:aws:s3:::data/{{ listed }}:{{ team }}/*",
        "arn:aws:s3:::data/{{ team }}${aws:userid}",
        "arn:aws:s3:::*{{ team }}",
        "arn:aws:s3:::*-{{ team }}",
    ],
)
def test_t11_a_place_that_could_run_into_its_neighbour_is_never_accepted(resource: str) -> None:
    statement = {"Effect": "Allow", "Action": "x:Do", "Resource": resource}
    assert accepted({"Version": "2012-10-17", "Statement": [statement]}) is None
