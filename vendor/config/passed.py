"""What a session says and its mint cannot pass on to AWS, or its target does not have: refused, never left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor.config.codes import Code
from vendor.policy import limits
from vendor.policy.session import Action

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from vendor.config import shape
    from vendor.config.findings import Path
    from vendor.config.reading import Reading
    from vendor.config.values import Target

ACTIONS: Final = {
    "assume_role": Action.ASSUME_ROLE,
    "web_identity": Action.WEB_IDENTITY,
    "saml": Action.SAML,
    "session_token": Action.SESSION_TOKEN,
    "federation_token": Action.FEDERATION_TOKEN,
    "root": Action.ROOT,
    "identity_token": Action.IDENTITY_TOKEN,
    "cognito_identity": Action.COGNITO_IDENTITY,
}
"""What each mint asks of AWS."""
_POLICY: Final = frozenset({"policy", "policy_file", "policy_arns"})
_ANY: Final = frozenset({"unrestricted", "duration", "max_duration"})
PASSED: Final = {
    "assume_role": None,
    "web_identity": _ANY | _POLICY | {"name", "cap_to_token"},
    "saml": _ANY | _POLICY | {"cap_to_token"},
    "session_token": _ANY | {"cap_to_token"},
    "federation_token": _POLICY | {"tags", "optional_tags", "duration", "max_duration", "cap_to_token"},
    "root": _ANY,
    "identity_token": _ANY | {"tags", "cap_to_token"},
    "cognito_identity": _ANY,
}
"""The keys of a session that each mint can honour, None for all of them."""
_WHY: Final = {
    "policy": "AWS takes no session policy with it: say unrestricted: true",
    "policy_file": "AWS takes no session policy with it: say unrestricted: true",
    "unrestricted": "AWS gives such a session no permission without a policy",
    "name": "the session is not named by who asks for it",
    "cap_to_token": "how long the session lasts is not for us to say",
}


def longest(mint: shape.Mint) -> timedelta:
    """Return the longest session that a mint gives."""
    action = next((ACTIONS[name] for name in mint.model_fields_set), Action.ASSUME_ROLE)
    return limits.longest(action, chained=mint.assume_role is not None and bool(mint.assume_role.via))


def check(reading: Reading, target: Target | None) -> None:
    """Find what of a session its mint or its target cannot honour."""
    said = reading.said.mint
    if len(said.model_fields_set) != 1:
        return  # it is a finding already
    (mint,) = said.model_fields_set
    keys = PASSED[mint]
    for key in _said(reading):
        if keys is not None and key not in keys:
            why = _WHY.get(key, "AWS takes none with it")
            reading.find(Code.NOT_OF_MINT, ("session", key), f"{mint} can have no {key}: {why}")
    if target is not None:
        for feature, path in _needed(reading):
            if feature not in target.features:
                message = f"the target {target.name} has no {feature}: its features do not list it"
                reading.find(Code.FEATURE, path, message)


def check_pool(reading: Reading, duration: timedelta) -> None:
    """Find another duration than the one that identity pools give."""
    if reading.said.mint.cognito_identity is not None and duration != limits.LONGEST_OF[Action.COGNITO_IDENTITY]:
        reading.find(Code.DURATION, ("session", "duration"), "an identity pool gives 1h, no more and no less")


def _said(reading: Reading) -> list[str]:
    """Return the keys that the scope's session or the defaults give something, in the order of the language."""
    scope, defaults = reading.said.session, reading.around.defaults.session
    return [name for name in type(scope).model_fields if getattr(scope, name) or getattr(defaults, name, None)]


def _needed(reading: Reading) -> Iterator[tuple[str, Path]]:
    """Yield each feature that a scope needs, with the place of what needs it."""
    keys = _said(reading)
    yield from ((key, ("session", key)) for key in ("tags", "policy_arns", "source_identity") if key in keys)
    assumed = reading.said.mint.assume_role
    if assumed is not None:
        if assumed.external_id:
            yield "external_id", ("mint", "assume_role", "external_id")
        for index, hop in enumerate(assumed.via):
            if hop.external_id:
                yield "external_id", ("mint", "assume_role", "via", index, "external_id")
