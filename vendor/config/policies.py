"""Session policies: fragments put in their places, and proofs that filling can never widen what the author wrote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from vendor.config.codes import Code
from vendor.config.problems import values
from vendor.config.suggestions import near
from vendor.identity import attributes
from vendor.live.specimen import longest
from vendor.policy.limits import LONGEST_POLICY
from vendor.policy.parameter import LONGEST, PLAIN
from vendor.policy.template import Name, PolicyTemplate, TemplateError, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vendor.config.findings import Path
    from vendor.config.fragments import Part, Whole
    from vendor.identity.issuer import Kind
    from vendor.policy.parameter import Parameter

VERSION: Final = "2012-10-17"
"""The only version in which IAM reads policy variables, and so the only one whose meaning is known here."""

_DOCUMENT: Final = frozenset({"Version", "Id", "Statement"})
_STATEMENT: Final = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})
_SID: Final = re.compile(r"[A-Za-z0-9]*", re.ASCII)
_WILD: Final = re.compile(r"[*?]|\$\{[^}]*\}?")
"""What in a text may become anything: IAM's wildcards and variables."""


def template(whole: Whole, parameters: Mapping[str, Parameter], kinds: Iterable[Kind] = ()) -> PolicyTemplate | None:
    """Return a policy that may be filled by tokens of some kinds, None with findings if it may not."""
    _check_document(whole)
    if not whole.failed():
        for statement in whole.statements:
            for path, value in values(statement.value):
                _check_places(statement, path, value, parameters)
    if whole.failed():
        return None
    made = PolicyTemplate.parse(whole.document)
    _check_size(whole.head, made)
    _check_growth(whole.head, made, {name: _longest(parameters.get(name), name, kinds) for name in made.names()})
    return None if whole.failed() else made


def _check_document(whole: Whole) -> None:
    head = whole.head
    for key in head.value.keys() - _DOCUMENT:
        head.find(
            Code.POLICY_MEMBER, (key,), f"a policy has Version, Id and Statement only{near(key, _DOCUMENT)}", key=True
        )
    if head.value.get("Version") != VERSION:
        message = f'expected Version "{VERSION}": older ones read the policy differently'
        head.find(Code.POLICY_VERSION, ("Version",), message, of=("Version",))
    if not isinstance(head.value.get("Id", ""), str):
        head.find(Code.POLICY_VALUE, ("Id",), "expected a string")
    if not whole.statements:
        head.find(Code.POLICY_VALUE, ("Statement",), "expected at least one statement", of=("Statement",))
    seen: set[str] = set()
    for statement in whole.statements:
        _check_statement(statement, seen)


def _check_statement(part: Part, seen: set[str]) -> None:
    statement = part.value
    if not isinstance(statement, dict):
        part.find(Code.POLICY_VALUE, (), "expected a statement")
        return
    for key in statement.keys() - _STATEMENT:
        part.find(
            Code.POLICY_MEMBER,
            (key,),
            f"a session policy's statement has no such member{near(key, _STATEMENT)}",
            key=True,
        )
    if statement.get("Effect") not in ("Allow", "Deny"):  # it may be a list, which no set could be asked for
        part.find(Code.EFFECT, ("Effect",), "expected Effect Allow or Deny", of=("Effect",))
    for name, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if (name in statement) == (other in statement):
            part.find(Code.ACTION_OR_RESOURCE, (), f"expected exactly one of {name} and {other}", of=(name, other))
        for key in (name, other):
            if key in statement:
                _check_strings(part, (key,), statement[key])
    if "Condition" in statement:
        _check_condition(part, ("Condition",), statement["Condition"])
    if "Sid" in statement:
        _check_sid(part, statement["Sid"], seen)


def _check_sid(part: Part, sid: Any, seen: set[str]) -> None:
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        part.find(Code.SID, ("Sid",), "expected a string of letters and digits")
    elif sid in seen:
        part.find_used(Code.SID, ("Sid",), f"Sid {sid} stands twice in this policy")
    else:
        seen.add(sid)


def _check_strings(part: Part, at: Path, value: Any) -> None:
    items = value if isinstance(value, list) else [value]
    if not items:
        part.find(Code.POLICY_VALUE, at, "may not be empty")
    for index, item in enumerate(items):
        if not isinstance(item, str) or not item:
            place = (*at, index) if isinstance(value, list) else at
            part.find(Code.POLICY_VALUE, place, "expected a string: put it in quotes")


def _check_condition(part: Part, at: Path, condition: Any) -> None:
    if not isinstance(condition, dict) or not condition:
        part.find(Code.POLICY_VALUE, at, "expected a mapping of operators")
        return
    for operator, keys in condition.items():
        if not isinstance(keys, dict) or not keys:
            part.find(Code.POLICY_VALUE, (*at, operator), "expected a mapping of condition keys")
            continue
        for key, value in keys.items():
            _check_strings(part, (*at, operator, key), value)


def _check_places(part: Part, path: Path, value: Any, parameters: Mapping[str, Parameter]) -> None:
    """Find, in one value or the keys that lead to it, a place where none may be or one that nothing delimits."""
    if not any("{{" in one or "}}" in one for one in (*path, value) if isinstance(one, str)):
        return
    try:
        PolicyTemplate.parse(_alone(path, value))
    except TemplateError as exc:
        part.find(Code.BAD_PLACE, path, str(exc))
    else:
        # What is no text here was an alias, which is a finding already.
        for problem in _undelimited(Text.parse(value), parameters) if isinstance(value, str) else ():
            part.find_used(Code.UNDELIMITED, path, f"{value}: {problem}")


def _alone(path: Path, value: Any) -> Any:
    """Return a value within its keys and nothing else."""
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return value


def _undelimited(text: Text, parameters: Mapping[str, Parameter]) -> list[str]:
    """Return what is wrong with places whose values could run into what stands beside them (T11).

    Between a place and the next wildcard, variable or place there must be a character that the value cannot hold,
    otherwise one identity's value could be the beginning of another's; and so before it, for the end.
    """
    wrong: list[str] = []
    for index, part in enumerate(text.parts):
        if not isinstance(part, Name):
            continue
        before = text.parts[index - 1] if index else ""
        after, *rest = (*text.parts[index + 1 : index + 3], "")
        parameter = parameters.get(part.name)
        if isinstance(before, str) and before.endswith("$"):
            wrong.append(f"$ may not stand before {{{{ {part.name} }}}}")
        if isinstance(before, str) and _WILD.search(before):
            between = _WILD.split(before)[-1]
            if not any(_delimits(one, parameter, last=True) for one in between):
                wrong.append(f"a delimiter such as / must stand before {{{{ {part.name} }}}}")
        literal = after if isinstance(after, str) else ""
        wild = _WILD.search(literal)
        if wild or isinstance(after, Name) or len(rest) > 1:
            between = literal[: wild.start()] if wild else literal
            if not any(_delimits(one, parameter, last=wild is not None) for one in between):
                wrong.append(f"a delimiter such as / must follow {{{{ {part.name} }}}}")
    return wrong


def _delimits(character: str, parameter: Parameter | None, *, last: bool) -> bool:
    """Tell whether a character can be in no value of the parameter, or of an attribute where there is none.

    A caller may say every path and every one of a list: the last `/` keeps it to what is below.
    """
    if parameter is not None and parameter.path:
        return last and character == "/"
    if parameter is not None and parameter.one_of:
        return (last and character == "/") or not any(character in value for value in parameter.one_of)
    if parameter is not None and parameter.pattern is not None:
        return character == "/"
    return character not in PLAIN


def _check_size(head: Part, made: PolicyTemplate) -> None:
    """Find a policy that is too large, or has characters that STS does not take, whatever it is filled with."""
    shortest = made.fill(dict.fromkeys(made.names(), ""))
    if len(shortest) > LONGEST_POLICY:
        message = f"the policy has {len(shortest)} characters before it is filled; STS takes {LONGEST_POLICY}"
        head.find_used(Code.POLICY_TOO_LONG, (), message)
    if any(character > "\xff" for character in shortest):
        message = "the policy holds characters beyond U+00FF, which STS does not take"
        head.find_used(Code.POLICY_CHARACTERS, (), message)


def _check_growth(head: Part, made: PolicyTemplate, lengths: Mapping[str, int]) -> None:
    """Find a policy that fits before it is filled and not with the longest values."""
    characters = len(made.fill({name: "x" * length for name, length in lengths.items()}))
    if characters > LONGEST_POLICY >= len(made.fill(dict.fromkeys(lengths, ""))):
        message = f"with the longest values it has {characters} characters; STS takes {LONGEST_POLICY}"
        head.find_used(Code.POLICY_GROWS, (), message)


def _longest(parameter: Parameter | None, name: str, kinds: Iterable[Kind]) -> int:
    """Return how many characters a place can be filled with."""
    if parameter is None:
        return max((attributes.RULES[kind].longest.get(name, LONGEST) for kind in kinds), default=LONGEST)
    if parameter.one_of:
        return max(map(len, parameter.one_of))
    return longest(parameter.pattern.pattern) if parameter.pattern else LONGEST
