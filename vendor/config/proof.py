"""Proof that no session of a scope can exceed the ceilings over its file, whatever its places are filled with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor.config import shape
from vendor.config.codes import Code
from vendor.config.reach import reach
from vendor.identity import attributes
from vendor.policy.inclusion import Patterns
from vendor.policy.template import Text
from vendor.policy.wildcard import language

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor.config.ceilings import Ceiling
    from vendor.config.findings import Path
    from vendor.config.reach import Allowed, Reach, Said
    from vendor.config.reading import Reading

_BEYOND: Final = {
    "names": Code.NAME_BEYOND,
    "issuers": Code.ISSUER_BEYOND,
    "targets": Code.TARGET_BEYOND,
    "audit_mode": Code.AUDIT_BEYOND,
    "roles": Code.ROLE_BEYOND,
    "max_duration": Code.DURATION_BEYOND,
    "unrestricted": Code.UNRESTRICTED_BEYOND,
    "policy_arns": Code.POLICY_ARN_BEYOND,
    "tags": Code.TAG_BEYOND,
    "actions_denied": Code.ACTION_BEYOND,
    "resources": Code.RESOURCE_BEYOND,
}


def check(reading: Reading) -> None:
    """Find what of a scope is not proven to stay below each ceiling; both places are named."""
    if reading.around.above:
        whole = reach(reading)
        for ceiling in reading.around.above:
            if ceiling.sound:
                _Proof(reading, ceiling).check(whole)


class _Proof:
    """One scope under one ceiling."""

    def __init__(self, reading: Reading, ceiling: Ceiling) -> None:
        self._reading = reading
        self._ceiling = ceiling
        self._said = ceiling.said

    def check(self, whole: Reach) -> None:
        self._check_passage()
        self._check_roles(whole)
        self._check_session(whole)
        self._check_tags(whole)
        for allowed in whole.allowed:
            self._check_actions(allowed)
            self._check_resources(allowed)

    def _check_passage(self) -> None:
        """Find a name, an issuer, a mode or a target that the ceiling does not let pass."""
        scope, defaults, said = self._reading.said, self._reading.around.defaults, self._said
        if self._ceiling.names and not self._ceiling.names.hold((self._reading.name,)):
            self._find((), "names", f"expected a name within {_listed(said.names)}", at_key=True)
        for index, grant in enumerate(scope.grants):
            if said.issuers is not None and grant.issuer not in said.issuers:
                self._find(("grants", index, "issuer"), "issuers", f"expected one of {', '.join(said.issuers)}")
        target = scope.target or defaults.target
        if said.targets is not None and target is not None and target not in said.targets:
            self._find(("target",), "targets", f"expected one of {', '.join(said.targets)}")
        if (scope.mode or defaults.mode) == "audit" and not said.audit_mode:
            self._find(("mode",), "audit_mode", "mode audit would let in who has no grant")

    def _check_roles(self, whole: Reach) -> None:
        roles = self._ceiling.roles
        if roles is None:
            return
        beyond = [role.path for role in whole.roles if role.pieces and not roles.hold(role.pieces)]
        for path in (*whole.roleless, *beyond):
            self._find(path, "roles", f"expected a role within {_listed(self._said.roles)}")

    def _check_session(self, whole: Reach) -> None:
        """Find a session that lasts longer or may do more than the ceiling can tell."""
        session, said = self._reading.said.session, self._said
        if said.max_duration and shape.seconds(whole.longest.text) > shape.seconds(said.max_duration):
            self._find(whole.longest.path, "max_duration", f"expected at most {said.max_duration}")
        if said.unrestricted:
            return
        if session.unrestricted:
            self._find(("session", "unrestricted"), "unrestricted", "expected a policy")
        for index, arn in enumerate(session.policy_arns):
            # STS unites what they allow with what the policy does, and nobody here can see what that is.
            if not self._ceiling.policy_arns.hold((arn,)):
                expected = f"a policy within {_listed(said.policy_arns)}" if said.policy_arns else "none"
                self._find(("session", "policy_arns", index), "policy_arns", f"expected {expected}")

    def _check_tags(self, whole: Reach) -> None:
        """Find a tag that is missing, or could have another value than the ceiling's."""
        for key, values in self._said.tags.items():
            expected = f"expected the tag {key} with {_listed(values)}"
            tag = whole.tags.get(key)
            if tag is None:
                self._find(("session", "tags"), "tags", expected)
            elif key in self._optional():
                self._find(("session", "optional_tags"), "tags", f"the tag {key} may not be left out")
            elif tag.pieces and not (self._ceiling.tags[key].hold(tag.pieces) or self._is_own(key, tag)):
                self._find(tag.path, "tags", expected)

    def _optional(self) -> list[str]:
        said, defaults = self._reading.said.session, self._reading.around.defaults.session
        return (said if "optional_tags" in said.model_fields_set else defaults).optional_tags

    def _is_own(self, key: str, tag: Said) -> bool:
        """Tell whether a tag is filled as the ceiling has it, with what issuers say of the caller and nothing else."""
        known = [attributes.names(issuer) for issuer in self._reading.issuers]
        # A parameter may not be called as an attribute is: what is called so is none.
        return tag.text in self._ceiling.templates[key] and all(
            name in names for name in Text.parse(tag.text).names() for names in known
        )

    def _check_actions(self, allowed: Allowed) -> None:
        """Find an action that the ceiling denies in what a statement allows."""
        denied = self._ceiling.denied
        if denied is None:
            return
        for action in (*allowed.actions, *allowed.not_actions):
            if action.pieces is None:
                message = f"{action.text} is no action such as s3:GetObject"
                self._find_in(allowed, action.path, "actions_denied", message)
        for action in allowed.actions:
            if action.pieces and denied.meet(action.pieces):
                message = f"{action.text} allows what is denied, {_listed(self._said.actions_denied)}"
                self._find_in(allowed, action.path, "actions_denied", message)
        if allowed.not_actions:
            left_out = Patterns.of(language(one.text.lower()) for one in allowed.not_actions)
            for one in self._said.actions_denied:
                if not left_out.hold(language(one.lower())):
                    message = f"allows what is denied, {one}: it must be left out too"
                    self._find_in(allowed, ("NotAction",), "actions_denied", message)

    def _check_resources(self, allowed: Allowed) -> None:
        """Find a resource beyond the ceiling in what a statement allows."""
        resources, expected = self._ceiling.resources, f"expected a resource within {_listed(self._said.resources)}"
        if resources is None:
            return
        for one in allowed.resources:
            if one.pieces and not resources.hold(one.pieces):
                self._find_in(allowed, one.path, "resources", f"{one.text} is too much: {expected}")
        if allowed.all_but:
            self._find_in(allowed, ("NotResource",), "resources", f"allows all the rest: {expected}")

    def _find(self, path: Path, key: str, message: str, *, at_key: bool = False) -> None:
        self._reading.find(_BEYOND[key], path, f"{message} (the ceiling at {self._ceiling.place(key)})", key=at_key)

    def _find_in(self, allowed: Allowed, path: Path, key: str, message: str) -> None:
        allowed.part.find_used(_BEYOND[key], path, f"{message} (the ceiling at {self._ceiling.place(key)})")


def _listed(texts: Iterable[str] | None) -> str:
    return " or ".join(texts or ())
