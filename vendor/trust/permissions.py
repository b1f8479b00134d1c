"""Permissions: what a role must at least be allowed, so that its scopes' sessions can do what their policies say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from vendor.policy.template import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor.policy.grant import Scope

_LIKE: Final = re.compile(r"(?P<set>For(?:All|Any)Values?:)?(?P<kind>String|Arn)(?:Equals|Like)(?P<rest>IfExists)?")


def permissions(scopes: Iterable[Scope]) -> dict[str, Any] | None:
    """Return the union of the scopes' policies, each place open to anything; None if one says nothing of it.

    A hint: a session can do what both its policy and its role allow. What a policy denies, it denies by itself.
    """
    statements: list[dict[str, Any]] = []
    for scope in scopes:
        if scope.session.policy is None:
            return None
        compiled = scope.session.policy.compiled["Statement"]
        for statement in compiled if isinstance(compiled, list) else [compiled]:
            opened = _opened(statement)
            if statement["Effect"] == "Allow" and opened not in statements:
                statements.append(opened)
    return {"Version": "2012-10-17", "Statement": statements}


def _opened(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a statement that allows whatever the statement can allow, with anything in its places."""
    made = {name: value for name, value in statement.items() if name not in {"Sid", "NotResource", "Condition"}}
    if "Resource" in made:
        made["Resource"] = _each(made["Resource"])
    if "NotResource" in statement:
        made |= _not_resource(statement["NotResource"])
    conditions = _conditions(statement.get("Condition", {}))
    return {**made, "Condition": conditions} if conditions else made


def _not_resource(said: Any) -> dict[str, Any]:
    """Leave out what only some of the sessions are kept from."""
    kept = [one for one in (said if isinstance(said, list) else [said]) if not isinstance(one, Text)]
    return {"NotResource": kept} if kept else {"Resource": "*"}


def _conditions(said: dict[str, Any]) -> dict[str, Any]:
    """Return the conditions that hold in all sessions: those without a place, and those that a wildcard opens."""
    made: dict[str, dict[str, Any]] = {}
    for operator, keys in said.items():
        for key, value in keys.items():
            if not _has_place(value):
                made.setdefault(operator, {})[key] = value
            elif like := _LIKE.fullmatch(operator):
                opened = f"{like['set'] or ''}{like['kind']}Like{like['rest'] or ''}"
                made.setdefault(opened, {})[key] = _each(value)
    return made


def _has_place(value: Any) -> bool:
    return any(isinstance(one, Text) for one in (value if isinstance(value, list) else [value]))


def _each(value: Any) -> Any:
    if isinstance(value, list):
        return list(dict.fromkeys(_each(one) for one in value))
    return re.sub(r"\*+", "*", value.fill(dict.fromkeys(value.names(), "*"))) if isinstance(value, Text) else value
