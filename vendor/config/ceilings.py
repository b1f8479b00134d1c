"""Ceilings: what no scope of some files may exceed, so that teams can own these files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vendor.config import shape
from vendor.config.codes import Code
from vendor.config.files import fits, is_beside
from vendor.policy import limits
from vendor.policy.inclusion import Patterns
from vendor.policy.template import TemplateError, Text
from vendor.policy.wildcard import language, segmented

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path as FilePath

    from vendor.config.document import Document
    from vendor.config.findings import Path

ACTION: Final = re.compile(r"\*|[a-z0-9*?-]+:[a-z0-9*?_-]+", re.ASCII)
"""An action as IAM takes it, or some of them by wildcards, in lower case: IAM does not tell cases apart."""

_SHORTEST: Final = int(limits.SHORTEST.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """One ceiling: what was said, where, and its patterns, None where nothing is limited.

    What exceeds one that is not `sound` is not worth a finding. `templates` are values that tags may have, written
    as templates are, when the identity alone fills them.
    """

    said: shape.Ceiling
    document: Document
    at: Path
    sound: bool
    names: Patterns | None
    roles: Patterns | None
    resources: Patterns | None
    denied: Patterns | None
    policy_arns: Patterns
    tags: Mapping[str, Patterns]
    templates: Mapping[str, frozenset[str]]

    def place(self, key: str) -> str:
        """Return where the ceiling says something, or where it stands if it does not say it."""
        at = self.document.as_written(self.at)
        line, column = self.document.places.get((*at, key)) or self.document.places[at]
        return f"{self.document.file}:{line}:{column}"


class Ceilings:
    """The ceilings of a configuration, and which of them are over which file."""

    def __init__(self, document: Document, said: shape.Configuration, folder: FilePath) -> None:
        self._document = document
        self._folder = folder
        self._all = [_ceiling(document, ("ceilings", index), one, said) for index, one in enumerate(said.ceilings)]
        self._over_nothing = [one for one in self._all if is_beside(one.said.files)]

    def over(self, file: FilePath) -> tuple[Ceiling, ...]:
        """Return the ceilings over a file: all of them hold for its scopes."""
        found = tuple(one for one in self._all if fits(file, self._folder, one.said.files))
        self._over_nothing = [one for one in self._over_nothing if one not in found]
        return found

    def check_cover(self, document: Document, over: Sequence[Ceiling]) -> None:
        """Find an included file that is under no ceiling where there are any: it would be the way around them all."""
        broken = any(path[0] == "ceilings" for path in self._document.left_out)
        if self._all and not over and not broken:
            line, column = self._document.places["ceilings",]
            place = f"{self._document.file}:{line}:{column}"
            message = f"no ceiling covers this file; with ceilings ({place}) each included file must be under one"
            document.find(Code.NOT_COVERED, (), message)

    def reason_against_references(self, over: Sequence[Ceiling]) -> str | None:
        """Return why a file may refer to no secret of the service: its scopes can send it where they like."""
        refusing = next((one for one in over if not one.said.references), None)
        return f"a reference may not stand here (the ceiling at {refusing.place('references')})" if refusing else None

    def check_use(self) -> None:
        """Find ceilings that are over no file."""
        for one in self._over_nothing:
            self._document.find(Code.CEILING_OVER_NOTHING, (*one.at, "files"), "no file is under this ceiling")


def _ceiling(document: Document, at: Path, said: shape.Ceiling, whole: shape.Configuration) -> Ceiling:
    before = document.errors
    _check(document, at, said)
    for key, known in (("issuers", whole.issuers), ("targets", whole.targets)):
        for index, name in enumerate(getattr(said, key) or ()):
            # One that is broken itself is there all the same.
            if name not in known and (key, name) not in document.keys:
                document.find(Code.CEILING_UNKNOWN, (*at, key, index), f"there is no {key[:-1]} {name}")
    return Ceiling(
        said=said,
        document=document,
        at=at,
        sound=document.errors == before,
        names=Patterns.of(map(language, said.names)) if said.names else None,
        roles=Patterns.of(map(language, said.roles)) if said.roles else None,
        resources=Patterns.of(segmented(language(one)) for one in said.resources) if said.resources else None,
        denied=Patterns.of(language(one.lower()) for one in said.actions_denied) if said.actions_denied else None,
        policy_arns=Patterns.of(map(language, said.policy_arns)),
        tags={key: Patterns.of(map(language, values)) for key, values in said.tags.items()},
        templates={key: frozenset(map(_as_written, values)) for key, values in said.tags.items()},
    )


def _as_written(value: str) -> str:
    try:
        return str(Text.parse(value))
    except TemplateError:  # it is a finding already
        return value


def _check(document: Document, at: Path, said: shape.Ceiling) -> None:
    """Find what no file or scope could keep to, and what would limit less than it seems to."""
    if not is_beside(said.files):
        document.find(
            Code.CEILING_FILES, (*at, "files"), "expected a path beside this file, or a pattern with * in its names"
        )
    if said.max_duration and shape.seconds(said.max_duration) < _SHORTEST:
        document.find(Code.CEILING_VALUE, (*at, "max_duration"), f"STS gives no session of less than {_SHORTEST}s")
    for key in ("names", "roles", "resources", "policy_arns"):
        _check_patterns(document, (*at, key), getattr(said, key) or ())
    for index, action in enumerate(said.actions_denied):
        if not ACTION.fullmatch(action.lower()):
            document.find(
                Code.CEILING_VALUE, (*at, "actions_denied", index), "expected an action such as iam:* or iam:PassRole"
            )
    for key, values in said.tags.items():
        for index, value in enumerate(values):
            _check_tag(document, (*at, "tags", key, index), value)
    _check_sense(document, at, said)


def _check_patterns(document: Document, at: Path, patterns: Iterable[str]) -> None:
    for index, pattern in enumerate(patterns):
        if "$" in pattern or "{{" in pattern:
            message = "a ceiling has wildcards, and neither placeholders nor variables"
            document.find(Code.CEILING_VALUE, (*at, index), message)


def _check_tag(document: Document, at: Path, value: str) -> None:
    try:
        Text.parse(value)
    except TemplateError as exc:
        document.find(Code.BAD_PLACE, at, str(exc))


def _check_sense(document: Document, at: Path, said: shape.Ceiling) -> None:
    """Find what takes the meaning from something else that was said."""
    whole = [key for key in ("actions_denied", "resources", "policy_arns") if getattr(said, key)]
    if said.unrestricted and whole:
        message = f"a session without a policy has all that its role has, whatever {whole[0]} says"
        document.find(Code.CEILING_UNDONE, (*at, "unrestricted"), message)
    if said.audit_mode and said.issuers:
        message = "mode audit lets in who has a token of any issuer, whatever issuers says"
        document.find(Code.CEILING_UNDONE, (*at, "audit_mode"), message)
    if said.roles is None:
        message = "names no roles: its scopes may take any role that the service can assume"
        document.find(Code.CEILING_ANY_ROLE, at, message)
