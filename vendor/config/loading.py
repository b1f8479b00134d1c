"""Loading: files become a Configuration, or every problem of all of them at once."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from vendor.config import issuers, listeners, overlaps, problems, references, scopes, shape, stores, targets, text
from vendor.config.ceilings import Ceilings
from vendor.config.codes import Code
from vendor.config.document import Document
from vendor.config.files import Sources, UnreadableError, is_beside
from vendor.config.findings import ConfigurationError, Finding
from vendor.config.reading import Surroundings
from vendor.config.values import Audit, Configuration, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path as FilePath

    from vendor.config.values import Target
    from vendor.identity.issuer import Issuer
    from vendor.policy.grant import Scope


def load(
    path: FilePath, *, environ: Mapping[str, str], sources: Sources | None = None, lint: bool = False
) -> Configuration:
    """Return the configuration of a file and of the files that it includes.

    `sources` are told of all that is read, and of what should have been. With `lint` an IAM linter, which must be
    installed, looks at the policies that AWS is to see. Raises ConfigurationError with every problem
    that was found.
    """
    with _uncollected():
        return _Loading(path, environ, Sources() if sources is None else sources, lint=lint).load()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector from what is made meanwhile: all of it stays, and looking at it took half the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Loading:
    """One configuration while it is read."""

    def __init__(self, path: FilePath, environ: Mapping[str, str], sources: Sources, *, lint: bool) -> None:
        self._path = path
        self._environ = environ
        self._lint = lint
        self._sources = sources
        self._documents: list[Document] = []
        self._defined: dict[str, Document] = {}

    def load(self) -> Configuration:
        main = self._open(self._path)
        if not isinstance(main.data, dict):
            if not main.findings:
                main.find(Code.WRONG_TYPE, (), "expected a mapping with version, issuers and scopes")
            raise ConfigurationError(self._findings("error"))
        said = problems.shaped(main, shape.Configuration, shape.Remains)
        made = None if said is None else self._made(main, said)
        errors = self._findings("error")
        if errors or made is None:
            raise ConfigurationError(errors)
        return made

    def _findings(self, severity: str) -> tuple[Finding, ...]:
        return tuple(
            finding for document in self._documents for finding in document.findings if finding.severity == severity
        )

    def _open(self, path: FilePath, refused: str | None = None) -> Document:
        """Read a file into a document: its references replaced or `refused`, its empty values found."""
        try:
            raw = self._sources.contents(path, most=text.LONGEST)
        except UnreadableError as exc:
            document = Document(str(path))
            document.find(Code.UNREADABLE, (), str(exc))
        else:
            document = text.read(str(path), raw)
            problems.refuse_empty(document)
            references.expand(
                document, folder=path.parent, environ=self._environ, sources=self._sources, refused=refused
            )
        self._documents.append(document)
        return document

    def _made(self, main: Document, said: shape.Configuration) -> Configuration | None:
        found_issuers = self._issuers(main, said)
        found_targets: dict[str, Target | None] = dict.fromkeys(_keys(main, "targets"))
        found_targets |= {
            name: targets.target(main, name, one, self._path.parent, self._sources)
            for name, one in said.targets.items()
        }
        listen = listeners.listen(main, said, self._path.parent)
        operations = listeners.operations(main, said, self._path.parent, found_issuers)
        if listen and operations:
            listeners.refuse_shared(main, listen, operations)
        store = stores.store(main, said.store, self._path.parent, self._sources)
        found_scopes = self._scopes(main, said, found_issuers, found_targets)
        if listen is None or operations is None or self._findings("error"):
            return None
        return Configuration(
            listen=listen,
            operations=operations,
            store=store,
            audit=Audit(path=said.audit.path, refuse_on_failure=said.audit.on_failure == "refuse"),
            limits=Limits(
                concurrent_requests=said.limits.concurrent_requests,
                requests_per_second=said.limits.per_principal.requests_per_second,
                burst=said.limits.per_principal.burst,
            ),
            issuers=MappingProxyType({name: one for name, one in found_issuers.items() if one}),
            targets=MappingProxyType({name: one for name, one in found_targets.items() if one}),
            scopes=MappingProxyType(found_scopes),
            files=tuple(dict.fromkeys(self._sources.files)),
            sources=self._sources,
            warnings=tuple(sorted(set(self._findings("warning")))),
        )

    def _issuers(self, main: Document, said: shape.Configuration) -> dict[str, Issuer | None]:
        found: dict[str, Issuer | None] = dict.fromkeys(_keys(main, "issuers"))
        by_url: dict[str, str] = {}
        origin = issuers.Origin(folder=self._path.parent, environ=self._environ, sources=self._sources)
        for name, one in said.issuers.items():
            found[name] = issuers.issuer(main, name, one, origin)
            other = by_url.setdefault(one.issuer, name)
            if other != name:
                line, column = main.places.get(("issuers", other, "issuer"), (1, 1))
                message = (
                    f"the same issuer as {other} ({main.file}:{line}:{column}): nobody could tell their tokens apart"
                )
                main.find(Code.SAME_ISSUER, ("issuers", name, "issuer"), message)
        return found

    def _scopes(
        self,
        main: Document,
        said: shape.Configuration,
        found_issuers: Mapping[str, Issuer | None],
        found_targets: Mapping[str, Target | None],
    ) -> dict[str, Scope]:
        around = Surroundings(
            main=main,
            folder=self._path.parent,
            issuers=found_issuers,
            targets=found_targets,
            policies=said.policies,
            defaults=said.defaults,
            sources=self._sources,
            documents=self._documents,
            lint=self._lint,
        )
        ceilings = Ceilings(main, said, self._path.parent)
        around.above = ceilings.over(self._path)
        found = self._scopes_of(main, said.scopes, around)
        for index, pattern in enumerate(said.include):
            for path in self._included(main, index, pattern):
                found |= self._scope_file(path, around, ceilings)
        ceilings.check_use()
        if not self._defined and not self._findings("error"):
            main.find(Code.NO_SCOPES, (), "scopes is missing: there is nothing that anybody may have")
        if not self._findings("error"):
            overlaps.check_scopes(found, self._defined)
        for name in said.policies.keys() - around.used:
            main.find(Code.UNUSED_POLICY, ("policies", name), "no scope uses this policy", key=True)
        return found

    def _included(self, main: Document, index: int, pattern: str) -> list[FilePath]:
        """Return the files that a pattern names, but for those that were read already."""
        if not is_beside(pattern):
            message = "expected a path beside this file, or a pattern with * in its names"
            main.find(Code.INCLUDE_PATTERN, ("include", index), message)
            return []
        found = self._sources.matching(self._path.parent, pattern)
        if not found:
            wild = any(character in pattern for character in "*?[")
            main.find(Code.INCLUDE_EMPTY if wild else Code.INCLUDE_MISSING, ("include", index), "no file is there")
        return [path for path in found if path not in self._sources.files]

    def _scope_file(self, path: FilePath, around: Surroundings, ceilings: Ceilings) -> dict[str, Scope]:
        around.above = ceilings.over(path)
        document = self._open(path, ceilings.reason_against_references(around.above))
        ceilings.check_cover(document, around.above)
        if document.data is None:
            if not document.findings:
                document.find(Code.WRONG_TYPE, (), "expected a mapping with scopes")
            return {}
        said = problems.shaped(document, shape.ScopeFile)
        around.folder = path.parent
        return {} if said is None else self._scopes_of(document, said.scopes, around)

    def _scopes_of(
        self, document: Document, given: Mapping[str, shape.Scope], around: Surroundings
    ) -> dict[str, Scope]:
        found: dict[str, Scope] = {}
        for name, said in given.items():
            first = self._defined.setdefault(name, document)
            if first is not document:
                line, column = first.keys.get(("scopes", name), (1, 1))
                message = f"this scope is in {first.file}:{line}:{column} already"
                document.find(Code.REPEATED_SCOPE, ("scopes", name), message, key=True)
                continue
            made = scopes.scope(document, name, said, around)
            if made is not None:
                found[name] = made
        return found


def _keys(document: Document, name: str) -> list[str]:
    part = document.data.get(name)
    return list(part) if isinstance(part, dict) else []
