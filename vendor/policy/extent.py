"""Extent: whether a scope's sessions may do all that another scope's may, for one caller and with one role."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

from vendor.policy.inclusion import Patterns
from vendor.policy.template import Name, Text
from vendor.policy.wildcard import filled, language

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vendor.policy.grant import Scope
    from vendor.policy.parameter import Parameter
    from vendor.policy.wildcard import Piece, Span

    JSON = Any

MOST: Final = 64
"""Resources that one with places out of lists may stand for."""
_SAME: Final = "\ue000{}\ue001"
"""Stands for a value that is the same in both scopes, whatever it is: no text of a policy can be it."""


def allows_all(wide: Scope, narrow: Scope) -> bool:
    """Tell whether the wide scope is proven to allow all that the narrow one does, for as long.

    Both assume the same role at the same target with the same tags, which policies of the role may read.
    """
    if not _are_alike(wide, narrow):
        return False
    return _limits(wide) == _limits(narrow) or _allows(wide, narrow)  # as where many scopes are alike


def _limits(scope: Scope) -> tuple[object, ...]:
    return scope.session.policy, scope.session.policy_arns, scope.parameters


def _are_alike(wide: Scope, narrow: Scope) -> bool:
    role, most, least = wide.mint.role, wide.session, narrow.session
    if role is None or most.max_duration < least.max_duration or (most.cap_to_token and not least.cap_to_token):
        return False
    if (wide.target, role, most.tags) != (narrow.target, narrow.mint.role, least.tags):
        return False
    own = _own(wide, narrow)
    return all(own.isdisjoint(text.names()) for text in (role, *(text for _, text in most.tags)))


def _own(one: Scope, other: Scope) -> frozenset[str]:
    """Return the parameters that the scopes do not have in common."""
    return frozenset(parameter.name for parameter in (*one.parameters, *other.parameters)) - _shared(one, other)


def _shared(one: Scope, other: Scope) -> frozenset[str]:
    """Return the parameters that both scopes declare alike: what is said to one can be said to the other."""
    others = {parameter.name: _said(parameter) for parameter in other.parameters}
    return frozenset(one.name for one in one.parameters if others.get(one.name) == _said(one))


def _said(parameter: Parameter) -> tuple[object, ...]:
    pattern = parameter.pattern and parameter.pattern.pattern
    return pattern, parameter.one_of, parameter.path, parameter.organization


def _allows(wide: Scope, narrow: Scope) -> bool:
    """Tell whether the wide scope allows all that the narrow one does; no as well where that is not to be proven."""
    most, least = wide.session, narrow.session
    if most.policy is None and not most.policy_arns:
        return True
    if least.policy is None and not least.policy_arns:
        return False
    # STS unites the policy with the managed ones, of which nobody here knows what they allow.
    if not set(least.policy_arns) <= set(most.policy_arns):
        return False
    pair = _Pair(wide, narrow)
    allowed = [one for one in _statements(narrow) if one["Effect"] == "Allow"]
    return pair.denies_no_more() and all(
        any(pair.holds(*two) for two in product(_statements(wide), [one])) for one in allowed
    )


def _statements(scope: Scope) -> list[dict[str, JSON]]:
    return list(scope.session.policy.compiled["Statement"]) if scope.session.policy else []


class _Pair:
    """Two scopes, while their statements are compared."""

    def __init__(self, wide: Scope, narrow: Scope) -> None:
        self._wide, self._narrow = wide, narrow
        shared = _shared(wide, narrow)
        self._of_wide = {one.name: one for one in wide.parameters if one.name not in shared}
        self._of_narrow = {one.name: one for one in narrow.parameters if one.name not in shared}

    def denies_no_more(self) -> bool:
        """Tell whether the narrow scope has every denial of the wide one."""
        own = _statements(self._narrow)
        return all(one in own and self._is_same(one) for one in _statements(self._wide) if one["Effect"] == "Deny")

    def holds(self, wide: dict[str, JSON], narrow: dict[str, JSON]) -> bool:
        """Tell whether a statement allows all that another one does."""
        return (
            wide["Effect"] == "Allow"
            and self._has_conditions(wide.get("Condition", {}), narrow.get("Condition", {}))
            and self._holds_actions(wide, narrow)
            and self._holds_resources(wide, narrow)
        )

    def _has_conditions(self, wide: dict[str, JSON], narrow: dict[str, JSON]) -> bool:
        """Tell whether every condition of the wide statement stands in the narrow one."""
        return all(
            key in narrow.get(operator, {}) and narrow[operator][key] == value and self._is_same(value)
            for operator, keys in wide.items()
            for key, value in keys.items()
        )

    def _holds_actions(self, wide: dict[str, JSON], narrow: dict[str, JSON]) -> bool:
        if "NotAction" in wide or "NotAction" in narrow:
            return wide.get("NotAction") == narrow.get("NotAction")
        patterns = Patterns.of(language(one.lower()) for one in _listed(wide["Action"]))
        return all(patterns.hold(language(one.lower())) for one in _listed(narrow["Action"]))

    def _holds_resources(self, wide: dict[str, JSON], narrow: dict[str, JSON]) -> bool:
        if "NotResource" in wide or "NotResource" in narrow:
            same = wide.get("NotResource")
            return same is not None and same == narrow.get("NotResource") and self._is_same(same)
        known = [found for one in _listed(wide["Resource"]) for found in self._reached(one)]
        patterns = Patterns.of(known) if known else None
        return patterns is not None and all(
            patterns.hold(_pieces(one, self._of_narrow)) for one in _listed(narrow["Resource"])
        )

    def _reached(self, resource: str | Text) -> Iterator[tuple[str | Span, ...]]:
        """Yield what the wide scope reaches by a resource, which is what its caller likes of its own parameters."""
        own = [self._of_wide[name] for name in _names(resource) if name in self._of_wide]
        if not any(one.pattern or one.path or one.organization for one in own):  # nobody knows all that these admit
            yield from _alternatives(_pieces(resource, self._of_wide))

    def _is_same(self, node: JSON) -> bool:
        """Tell whether every place in a part of a policy is filled alike in both scopes."""
        return all(name not in self._of_wide and name not in self._of_narrow for name in _names(node))


def _listed(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else [value]


def _names(node: JSON) -> Iterator[str]:
    if isinstance(node, Text):
        yield from node.names()
    elif isinstance(node, list | dict):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _names(item)


def _pieces(text: str | Text, own: Mapping[str, Parameter]) -> tuple[Piece, ...]:
    """Return what can become of a resource; a place that both scopes fill alike stands for itself."""
    if isinstance(text, str):
        return language(text)
    same = Text(
        tuple(
            _SAME.format(part.name) if isinstance(part, Name) and part.name not in own else part for part in text.parts
        )
    )
    return filled(same, own)


def _alternatives(pieces: tuple[Piece, ...]) -> Iterator[tuple[str | Span, ...]]:
    """Yield a resource once for each choice out of its lists, and not at all where they are too many."""
    choices = [piece if isinstance(piece, tuple) else (piece,) for piece in pieces]
    number = 1
    for options in choices:
        number *= len(options)
    if number <= MOST:
        yield from product(*choices)
