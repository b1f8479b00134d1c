"""What the commands print that print and end: JSON, export lines, lists for people."""

from __future__ import annotations

import json

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import timedelta

    from vendor.client.credentials import Credentials
    from vendor.client.scope import Parameter, Scope


def for_process(credentials: Credentials) -> dict[str, object]:
    """Write for credential_process: SDKs refuse a Version that is text, and sign without a session token called Token.

    Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
    """
    document: Mapping[str, str] = credentials.document()
    names = {"AccessKeyId": "AccessKeyId", "SecretAccessKey": "SecretAccessKey", "Token": "SessionToken"}
    names |= {"Expiration": "Expiration", "AccountId": "AccountId"}
    return {"Version": 1} | {theirs: document[ours] for ours, theirs in names.items() if document.get(ours)}


def scopes_document(scopes: Iterable[Scope]) -> str:
    """Write scopes as one line of JSON, durations in seconds."""
    return json.dumps([_scope(each) for each in scopes])


def scope_lines(scopes: Iterable[Scope]) -> Iterator[str]:
    """Write scopes for people: a line for each, and under it what narrows it."""
    for scope in scopes:
        yield _line(scope.name, scope.description, _lasts(scope))
        for name, parameter in scope.parameters.items():
            yield _line(f"    --param {name}=…", parameter.description, _takes(parameter))


def _line(head: str, *told: str) -> str:
    return "  ".join((f"{head:28}", "; ".join(each for each in told if each))).rstrip()


def _lasts(scope: Scope) -> str:
    if scope.duration is None or scope.max_duration is None:
        return ""
    return f"lasts {_duration(scope.duration)}, {_duration(scope.max_duration)} at most"


def _takes(parameter: Parameter) -> str:
    values = f"one of {', '.join(parameter.one_of)}" if parameter.one_of else parameter.pattern or "any plain value"
    return f"{values}; {'required' if parameter.default is None else f'{parameter.default} when not given'}"


def _duration(duration: timedelta) -> str:
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    if seconds:
        return f"{minutes * 60 + seconds}s"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def _scope(scope: Scope) -> dict[str, object]:
    return {
        "name": scope.name,
        "description": scope.description,
        "duration_seconds": scope.duration and int(scope.duration.total_seconds()),
        "max_duration_seconds": scope.max_duration and int(scope.max_duration.total_seconds()),
        "parameters": {
            name: {
                "description": each.description,
                "pattern": each.pattern,
                "one_of": list(each.one_of),
                "default": each.default,
            }
            for name, each in scope.parameters.items()
        },
    }
