"""`vendor trust-policy`: what AWS must be told of a scope: its role's trust policy and permissions, and our own."""

from __future__ import annotations

import json
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vendor.cli import given
from vendor.cli.terminal import plain

if TYPE_CHECKING:
    import argparse

    from vendor.config import Configuration
    from vendor.policy.grant import Scope
    from vendor.trust.roles import Trust

_PRINCIPAL: Final = re.compile(
    r"arn:(aws|aws-us-gov|aws-cn):iam::([0-9]{12})?:(root|(role|user)/[\w+=,.@/-]{1,576})", re.ASCII
)
_EPILOG = (
    "Exit codes: 0 done, 1 the policies cannot be listed, 2 usage. The external id, a secret shared with the role's "
    "owner, stands in the trust policy."
)


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser(
        "trust-policy", help="print the trust policy and permissions that a scope's role needs", epilog=_EPILOG
    )
    command.add_argument("config", type=Path, metavar="F", help="the configuration file")
    command.add_argument("--scope", required=True, metavar="S", help="the scope")
    command.add_argument("--principal", metavar="ARN", help="the role that vendor itself runs as")
    command.add_argument("--format", choices=("json", "terraform"), default="json", help="how it is written")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from vendor.trust import terraform, ways  # noqa: PLC0415 - each command loads only what it needs

    try:
        configuration = given.configuration(options.config)
        scope = _scope(configuration, options.scope)
        partition = _partition(configuration, scope)
        made = _trust(configuration, scope, _principal(options.principal, partition), partition)
    except given.UnusableError as exc:
        print(exc, file=sys.stderr)
        return given.USAGE
    except ways.TrustError as exc:
        print(f"vendor: {exc}", file=sys.stderr)
        return 1
    for warning in _warnings(options.principal, made):
        print(f"warning: {plain(warning)}", file=sys.stderr)
    print(terraform.as_terraform(made) if options.format == "terraform" else _as_json(made))
    return 0


def _scope(configuration: Configuration, name: str) -> Scope:
    scope = configuration.scopes.get(name)
    if scope is None:
        near = "".join(f"; did you mean {one}?" for one in get_close_matches(name, configuration.scopes, n=1))
        raise given.UnusableError(f"vendor: there is no scope {plain(name)}{near}")
    return scope


def _partition(configuration: Configuration, scope: Scope) -> str:
    role = scope.mint.role
    return configuration.targets[scope.target].partition if role is None else str(role).split(":")[1]


def _principal(named: str | None, partition: str) -> str:
    """Return the ARN to trust: one identity, or its whole account, never everybody."""
    from vendor.trust.terraform import PRINCIPAL  # noqa: PLC0415

    if named is None:
        return PRINCIPAL
    found = _PRINCIPAL.fullmatch(named)
    if found is None:
        raise given.UnusableError("vendor: --principal must be a role's ARN: arn:aws:iam::111122223333:role/vendor")
    if found[1] != partition:
        raise given.UnusableError("vendor: no role can be assumed from another partition than its own")
    return named


def _trust(configuration: Configuration, scope: Scope, principal: str, partition: str) -> Trust:
    from vendor.trust.roles import trust  # noqa: PLC0415

    at = configuration.targets[scope.target].endpoint_url
    beside = [one for one in configuration.scopes.values() if configuration.targets[one.target].endpoint_url == at]
    return trust(scope, beside=beside, issuers=configuration.issuers, principal=principal, partition=partition)


def _warnings(principal: str | None, made: Trust) -> list[str]:
    said = list(made.warnings)
    if principal is None:
        said.append("no --principal was given: put the ARN of vendor's own role where ACCOUNT and VENDOR stand")
    elif principal.endswith(":root"):
        said.append("the principal is a whole account: name the role that vendor runs as")
    return said


def _as_json(made: Trust) -> str:
    roles = [
        {
            "role": role.arn,
            "scopes": role.scopes,
            "max_session_duration_seconds": role.max_session_seconds,
            "trust_policy": role.trust_policy,
            "permissions": role.permissions,
        }
        for role in made.roles
    ]
    told = {"scope": made.scope, "roles": roles, "base_policy": made.base_policy, "warnings": made.warnings}
    return json.dumps(told, indent=2)
