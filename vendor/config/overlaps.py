"""Overlaps: grants and scopes that limit nobody, because another one lets the same callers have as much or more."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from vendor.config.codes import Code
from vendor.policy.covering import covers
from vendor.policy.extent import allows_all
from vendor.policy.lookup import Lookup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vendor.config.document import Document
    from vendor.config.reading import Reading
    from vendor.policy.grant import Grant, Scope

MOST_GRANTS: Final = 200
"""Grants of one scope that are compared with one another."""
MOST_PAIRS: Final = 5_000
"""Pairs of scopes that are compared: of more the service would start late."""


def check_grants(reading: Reading, made: Sequence[Grant | None]) -> None:
    """Find each grant that an earlier one of its scope covers."""
    seen: list[tuple[int, Grant]] = []
    for index, grant in enumerate(made[:MOST_GRANTS]):
        if grant is None:
            continue
        earlier = next((number for number, one in seen if covers(one, grant)), None)
        if earlier is None:
            seen.append((index, grant))
        else:
            line, column = reading.document.places[(*reading.at, "grants", earlier)]
            message = f"grants[{earlier}] ({reading.document.file}:{line}:{column}) lets in whomever this does"
            reading.document.find(Code.SHADOWED_GRANT, (*reading.at, "grants", index), message)


def check_scopes(scopes: Mapping[str, Scope], documents: Mapping[str, Document]) -> None:
    """Find each scope whose callers may have a wider one of the same role; the first such grant and scope are told."""
    told: set[str] = set()
    for narrow, index, wide in islice(_pairs(scopes), MOST_PAIRS):
        if narrow.name not in told and _lets_in(wide, narrow.grants[index]) and _is_wider(wide, narrow):
            told.add(narrow.name)
            line, column = documents[wide.name].keys["scopes", wide.name]
            message = (
                f"whom this lets in may have {wide.name} too ({documents[wide.name].file}:{line}:{column}), "
                "which allows with the same role all that this scope does"
            )
            documents[narrow.name].find(Code.WIDER_SCOPE, ("scopes", narrow.name, "grants", index), message)


def _pairs(scopes: Mapping[str, Scope]) -> Iterator[tuple[Scope, int, Scope]]:
    """Yield each scope, with one of its grants and another scope of the same role that could be had by it."""
    for group in _of_one_role(scopes):
        lookup = Lookup(group)
        for narrow in group:
            for index, grant in enumerate(narrow.grants):
                yield from ((narrow, index, wide) for wide in lookup.covering(grant) if wide is not narrow)


def _is_wider(wide: Scope, narrow: Scope) -> bool:
    """Tell whether a scope allows all that another one does, and either more or more callers."""
    twins = allows_all(narrow, wide) and all(_lets_in(narrow, grant) for grant in wide.grants)
    return allows_all(wide, narrow) and not twins


def _lets_in(wide: Scope, grant: Grant) -> bool:
    return any(covers(one, grant) for one in wide.grants)


def _of_one_role(scopes: Mapping[str, Scope]) -> Iterator[list[Scope]]:
    groups: dict[tuple[str, str], list[Scope]] = {}
    for scope in scopes.values():
        if scope.mint.role is not None:
            groups.setdefault((scope.target, str(scope.mint.role)), []).append(scope)
    yield from (group for group in groups.values() if len(group) > 1)
