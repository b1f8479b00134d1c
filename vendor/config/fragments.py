"""Policies out of their parts: the named ones, those in files and the statements written in a scope."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vendor.config import text
from vendor.config.codes import Code
from vendor.config.document import Document
from vendor.config.files import UnreadableError
from vendor.config.problems import values
from vendor.policy.template import TemplateError, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path as FilePath

    from vendor.config.files import Sources
    from vendor.config.findings import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a policy, where it stands, and where the scope names it if it stands elsewhere."""

    value: Any
    document: Document
    at: Path
    named: tuple[Document, Path] | None = None

    def find(self, code: Code, path: Path, message: str, *, key: bool = False, of: Iterable[str] = ()) -> None:
        """Note a problem where the part stands: it is one for every scope that uses it."""
        self.document.find(code, (*self.at, *path), message, key=key, of=of)

    def find_used(self, code: Code, path: Path, message: str) -> None:
        """Note a problem that is one for this scope only, where the scope names the part."""
        document, at = self.named or (self.document, (*self.at, *path))
        document.find(code, at, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A policy: its document without the statements, and these."""

    head: Part
    statements: tuple[Part, ...]
    errors: int = 0

    @property
    def document(self) -> dict[str, Any]:
        """The policy as its author would have written it in one piece."""
        return {**self.head.value, "Statement": [part.value for part in self.statements]}

    def failed(self) -> bool:
        """Tell whether anything was found in its parts since it was put together."""
        return self.count() > self.errors

    def count(self) -> int:
        """Return the number of problems in the documents of its parts."""
        parts = (self.head, *self.statements)
        documents = [part.document for part in parts] + [part.named[0] for part in parts if part.named]
        return sum(document.errors for document in {id(one): one for one in documents}.values())

    def places(self) -> Iterator[tuple[Part, Path, Text]]:
        """Yield every text with places in it, with its part and its path there."""
        for part in self.statements:
            for path, value in values(part.value):
                if isinstance(value, str) and "{{" in value:
                    with suppress(TemplateError):  # it is a finding already
                        yield part, path, Text.parse(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The policies that scopes may name, and which of them some scope does."""

    document: Document
    policies: Mapping[str, Any]
    used: set[str]

    def part(self, name: str, by: Part) -> Part | None:
        """Return the part that another one names; None if there is none, or a broken one."""
        self.used.add(name)
        at = ("policies", name)
        if name in self.policies:
            return Part(
                value=self.policies[name], document=self.document, at=at, named=by.named or (by.document, by.at)
            )
        if at not in self.document.keys:
            by.find(Code.UNKNOWN_POLICY, (), f"there is no policy {name} under policies")
        return None


def assembled(source: Part, named: Named) -> Whole | None:
    """Return a policy whose named parts were put in their places, None with findings if one is missing."""
    head = named.part(source.value, source) if isinstance(source.value, str) else source
    if head is None:
        return None
    if not isinstance(head.value, dict):
        head.find(Code.POLICY_VALUE, (), "expected a policy document")
        return None
    statements: list[Part] = []
    for part in _parts(replace(head, value=head.value.get("Statement", []), at=(*head.at, "Statement"))):
        found = named.part(part.value, part) if isinstance(part.value, str) else part
        if found is None:
            return None
        statements += _parts(found) if found is not part else [part]
    whole = Whole(head=head, statements=tuple(statements))
    return replace(whole, errors=whole.count())


def _parts(part: Part) -> list[Part]:
    """Return the statements of a list, or the only one."""
    if not isinstance(part.value, list):
        return [part]
    return [replace(part, value=value, at=(*part.at, index)) for index, value in enumerate(part.value)]


def from_file(file: FilePath, by: Part, documents: list[Document], sources: Sources) -> Part | None:
    """Return the policy that a JSON file holds, its parts with their places in that file."""
    try:
        raw = sources.contents(file, most=text.LONGEST)
    except UnreadableError as exc:
        by.find(Code.UNREADABLE, (), str(exc))
        return None
    document = Document(str(file))
    documents.append(document)
    try:
        data = json.loads(raw.decode("utf-8"))
    except json.JSONDecodeError as exc:
        document.note(Code.POLICY_FILE, (exc.lineno, exc.colno), (), f"this is not JSON: {exc.msg}")
    except (UnicodeDecodeError, RecursionError):
        document.note(Code.POLICY_FILE, (1, 1), (), "this is not JSON in UTF-8")
    else:
        # JSON is YAML too, but for tabs between its tokens: so its places are known, and members that stand twice.
        placed = text.read(str(file), raw.replace(b"\t", b" "))
        documents[-1] = document = placed
        if not placed.errors:
            return Part(value=data, document=document, at=(), named=(by.document, by.at))
    by.find(Code.POLICY_FILE, (), f"the policy in {file} cannot be read")
    return None
