"""Explanations for people: aligned, coloured where that is wanted, and safe for a terminal whatever they hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from vendor.cli.terminal import plain, without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

_GREEN, _RED, _YELLOW = "32", "31", "33"
_USUAL: Final = "AssumeRole"
_RULES: Final = {
    "asked": "asked for",
    "duration": "the scope's own",
    "cap_to_token": "what is left of the token",
    "role_session": "as the service is a role session itself",
}


def as_text(told: dict[str, Any], *, colour: bool) -> str:
    """Return the members of an explanation, as operators get them from the service too, as lines for people."""
    painted = _Painted(colour)
    lines = [_verdict(told, painted)]
    if told["principal"]:
        lines += ["principal", *_aligned((name, _value(value)) for name, value in _who(told).items())]
    if told["grants"]:
        lines += ["grants", *_aligned(_grant(grant, painted) for grant in told["grants"])]
    if told["session"]:
        lines += ["session", *_aligned(_session(told["session"]).items()), *_policy(told["session"])]
    if told["warnings"]:
        lines += ["warnings", *(f"  {painted(_YELLOW, _safe(said))}" for said in told["warnings"])]
    return "\n".join(lines)


class _Painted:
    """Paints a text, or leaves it as it is."""

    def __init__(self, colour: bool) -> None:  # noqa: FBT001 - the only thing there is to say
        self._colour = colour

    def __call__(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def _verdict(told: dict[str, Any], painted: _Painted) -> str:
    refusal = told["refusal"]
    if refusal:
        reason = f", {refusal['reason']}" if refusal["reason"] else ""
        # Why no grant matches is told grant by grant below.
        said = refusal["message"] if told["grants"] and refusal["code"] == "access_denied" else refusal["detail"]
        return f"{painted(_RED, 'refused')}: {refusal['code']}{reason}: {_safe(said)}"
    by = "by mode audit alone" if told["would_refuse"] else f"by grant {told['grant']}"
    return f"{painted(_GREEN, 'allowed')}: {_safe(told['scope'])} {by}"


def _who(told: dict[str, Any]) -> dict[str, Any]:
    """Return issuer and subject first, whatever order the attributes come in."""
    principal = told["principal"]
    return {"issuer": principal["issuer"], "subject": principal["subject"], **principal["attributes"]}


def _grant(grant: dict[str, Any], painted: _Painted) -> tuple[str, str]:
    number = str(grant["grant"])
    if grant["matches"]:
        return number, painted(_GREEN, "matches")
    had = "is missing" if grant["had"] is None else f"is {_value(grant['had'])}"
    return number, f"{painted(_RED, _safe(grant['failed']))} {had}, wanted {_safe(str(grant['wanted']))}"


def _session(session: dict[str, Any]) -> dict[str, str]:
    """Return what is said of a session, leaving out what it does not have."""
    said = {
        "target": session["target"],
        "action": session["action"] if session["action"] != _USUAL else None,
        "role": session["role"],
        "chain": " then ".join(session["chain"]) if len(session["chain"]) > 1 else None,
        "needs": ", ".join(session["needs"]),
        "MFA device": session["mfa_serial"],
        "provider": session["provider"],
        "audience": ", ".join(session["audience"] or ()),
        "signed by": session["signing_algorithm"],
        "identity pool": session["identity_pool"],
        "task policy": session["task_policy"],
        "session name": session["session_name"],
        "source identity": session["source_identity"],
        "external id": "sent" if session["external_id"] else None,
        "tags": ", ".join(f"{key}={value}" for key, value in session["tags"].items()),
        "transitive": ", ".join(session["transitive_tags"]),
        "left out": ", ".join(session["dropped_tags"]),
        "policy ARNs": ", ".join(session["policy_arns"]),
        "duration": f"{session['duration_seconds']} s, {_RULES[session['duration_rule']]}",
        "not after": session["not_after"],
    }
    return {name: _safe(value) for name, value in said.items() if value}


def _policy(session: dict[str, Any]) -> list[str]:
    if session["policy"] is None:
        return ["policy: none"]
    written = json.dumps(session["policy"], indent=2).splitlines()
    return [f"policy, {session['policy_characters']} characters", *(f"  {_safe(line)}" for line in written)]


def _aligned(members: Iterable[tuple[str, str]]) -> list[str]:
    listed = [(plain(name), value) for name, value in members]
    width = max(len(name) for name, _ in listed)
    return [f"  {name:<{width}}  {value}" for name, value in listed]


def _value(value: Any) -> str:
    return _safe(json.dumps(value))


def _safe(text: str) -> str:
    return plain(without_tokens(text))
