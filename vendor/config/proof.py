"""Proof that no session of a scope can exceed the ceilings over its file, whatever its places are filled with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor.config import shape
from vendor.config.ceilings import ACTION
from vendor.policy.inclusion import Patterns
from vendor.policy.template import TemplateError, Text
from vendor.policy.wildcard import filled, language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vendor.config.ceilings import Ceiling
    from vendor.config.findings import Path
    from vendor.config.fragments import Part
    from vendor.config.reading import Reading


def check(reading: Reading) -> None:
    """Find what of a scope is not proven to stay below a ceiling; both places are named."""
    for ceiling in reading.around.above:
        proof = _Proof(reading, ceiling)
        proof.check_passage()
        proof.check_roles()
        proof.check_session()
        for statement in reading.statements:
            proof.check_statement(statement)


class _Proof:
    """One scope under one ceiling."""

    def __init__(self, reading: Reading, ceiling: Ceiling) -> None:
        self._reading = reading
        self._ceiling = ceiling
        self._scope = reading.said
        self._session = reading.said.session
        self._defaults = reading.around.defaults
        self._said = ceiling.said

    def check_passage(self) -> None:
        """Find a name, an issuer, a mode or a target that the ceiling does not let pass."""
        if self._ceiling.names and not self._ceiling.names.hold((self._reading.name,)):
            self._find((), "names", f"expected a name within {_listed(self._said.names)}", key=True)
        for index, grant in enumerate(self._scope.grants):
            self._check_listed(("grants", index, "issuer"), "issuers", grant.issuer, self._said.issuers)
        self._check_listed(("target",), "targets", self._scope.target or self._defaults.target, self._said.targets)
        if (self._scope.mode or self._defaults.mode) == "audit" and not self._said.audit_mode:
            self._find(("mode",), "audit_mode", "mode audit would let everybody in")

    def check_roles(self) -> None:
        """Find a role, be it one on the way, that is not among those of the ceiling."""
        if self._ceiling.roles is None:
            return
        for path, role in _roles(self._scope.mint):
            text = self._text(role)
            if role is None or (text and not self._ceiling.roles.hold(filled(text, self._reading.parameters))):
                self._find(path, "roles", f"expected a role within {_listed(self._said.roles)}")

    def check_session(self) -> None:
        """Find a session that lasts longer, is less restricted or says other things of itself than it may."""
        longest = "max_duration" if self._session.max_duration or self._defaults.session.max_duration else "duration"
        said = getattr(self._session, longest) or getattr(self._defaults.session, longest) or "1h"
        most = self._said.max_duration
        if most and shape.seconds(said) > shape.seconds(most):
            self._find(("session", longest), "max_duration", f"expected at most {most}")
        if self._session.unrestricted and not self._said.unrestricted:
            self._find(("session", "unrestricted"), "unrestricted", "expected a policy")
        for index, arn in enumerate(self._session.policy_arns):
            # What the policy itself allows is united with what these do, and nobody here can see what that is.
            if not (self._said.unrestricted or self._ceiling.policy_arns.hold((arn,))):
                what = f"a policy within {_listed(self._said.policy_arns)}" if self._said.policy_arns else "none"
                self._find(("session", "policy_arns", index), "policy_arns", f"expected {what}")
        for key in self._said.tags:
            self._check_tag(key, {**self._defaults.session.tags, **self._session.tags}.get(key))

    def check_statement(self, statement: Part) -> None:
        """Find an action that a ceiling denies, or a resource beyond it, in what a statement allows."""
        if statement.value["Effect"] != "Allow":
            return
        if self._said.actions_denied:
            self._check_actions(statement)
        if self._ceiling.resources:
            for path, resource in _strings(statement, "Resource"):
                text = self._text(resource)
                if text and not self._ceiling.resources.hold(filled(text, self._reading.parameters)):
                    message = f"{resource}: expected a resource within {_listed(self._said.resources)}"
                    self._find_in(statement, path, "resources", message)
            if "NotResource" in statement.value:
                message = f"expected Resource, within {_listed(self._said.resources)}: this allows all but a few"
                self._find_in(statement, ("NotResource",), "resources", message)

    def _check_actions(self, statement: Part) -> None:
        kept = []
        for path, action in (*_strings(statement, "Action"), *_strings(statement, "NotAction")):
            kept.append(language(action.lower()))
            if not ACTION.fullmatch(action.lower()):
                self._find_in(statement, path, "actions_denied", f"{action}: expected an action such as s3:GetObject")
            elif path[0] == "Action" and self._ceiling.denied.meet(kept[-1]):
                message = f"{action}: this allows what is denied, {_listed(self._said.actions_denied)}"
                self._find_in(statement, path, "actions_denied", message)
        left_out = Patterns.of(kept)
        for denied in self._said.actions_denied if "NotAction" in statement.value else ():
            if not left_out.hold(language(denied.lower())):
                message = f"this leaves allowed what is denied, {denied}"
                self._find_in(statement, ("NotAction",), "actions_denied", message)

    def _check_listed(self, path: Path, key: str, value: str | None, listed: list[str] | None) -> None:
        if listed is not None and value is not None and value not in listed:
            self._find(path, key, f"expected one of {_listed(listed)}")

    def _check_tag(self, key: str, value: str | None) -> None:
        """Find a tag that is missing or is not proven to have a value of the ceiling, or to be the identity's own."""
        text = self._text(value)
        if value is not None and text is None:
            return
        own = text and str(text) in self._ceiling.attributes[key] and not any(map(self._reading.declares, text.names()))
        if not (text and (own or self._ceiling.tags[key].hold(filled(text, self._reading.parameters)))):
            path: Path = ("session", "tags", key) if value else ("session", "tags")
            self._find(path, "tags", f"expected the tag {key} with {_listed(self._said.tags[key])}")

    def _text(self, said: str | None) -> Text | None:
        """Return a text with places; None for none, and for one of which something is a finding already."""
        try:
            text = Text.parse(said) if said is not None else None
        except TemplateError:
            return None
        broken = self._reading.said.parameters.keys() - self._reading.parameters.keys()
        return text if text is None or broken.isdisjoint(text.names()) else None
