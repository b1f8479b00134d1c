"""`vendor explain`: what serving would decide for a token or for any attributes, and why. It mints nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vendor.cli import given
from vendor.cli.terminal import plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from vendor.config import Configuration
    from vendor.identity.inspection import Inspection
    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue, Principal
    from vendor.policy.decision import Asked

_EPILOG = (
    "Exit codes: 0 allowed, 1 refused, 2 usage. A token is verified as serving verifies it, but nobody is asked to "
    'review it. Attributes are a JSON object with the issuer\'s name: {"issuer":"cluster-a","namespace":"analytics"}.'
)


def add(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser("explain", help="show what would be decided for somebody, and why", epilog=_EPILOG)
    command.add_argument("config", type=Path, metavar="F", help="the configuration file")
    command.add_argument("--scope", metavar="S", help="the scope; without it the only one that may be had")
    whose = command.add_mutually_exclusive_group(required=True)
    whose.add_argument("--token-file", metavar="T", help="whose token this file holds; - is standard input")
    whose.add_argument("--attributes", metavar="JSON", help="whoever has these attributes")
    command.add_argument(
        "--unverified", action="store_true", help="go on with what the token claims, without verifying it"
    )
    command.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the scope; repeatable"
    )
    command.add_argument("--duration", metavar="D", help="the duration asked for: 3600, 900s, 15m, 1h")
    command.add_argument("--format", choices=("text", "json"), default="text", help="how it is shown")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from vendor.cli import explained  # noqa: PLC0415 - each command loads only what it needs

    try:
        told = asyncio.run(_told(options))
    except given.UnusableError as exc:
        print(exc, file=sys.stderr)
        return given.USAGE
    if options.format == "json":
        print(json.dumps(told, indent=2).replace("\x7f", "\\u007f"))
    else:
        print(explained.as_text(told, colour=given.colour()))
    return 0 if told["allowed"] else 1


async def _told(options: argparse.Namespace) -> dict[str, Any]:
    from vendor.policy.decision import Mapping as ScopeMapping  # noqa: PLC0415
    from vendor.policy.parameter import any_account  # noqa: PLC0415
    from vendor.refusals import Refusal  # noqa: PLC0415
    from vendor.server import explanation  # noqa: PLC0415

    asked = _asked(options)
    configuration = given.configuration(options.config)
    try:
        principal, warnings = await _principal(options, configuration)
    except Refusal as refusal:
        return explanation.of_nobody(refusal, asked, whole=True)
    mapping = ScopeMapping(scopes=configuration.scopes, generation=0, accounts=any_account)
    decision = mapping.explain(principal, asked)
    if decision.permission and any(one.organization for one in decision.permission.scope.parameters):
        warnings = [*warnings, "nobody asked AWS here which accounts there are: any is taken for one"]
    told = explanation.of_decision(decision, principal, asked, now=given.Clock().now(), whole=True)
    return {**told, "warnings": [*warnings, *told["warnings"]]}


def _asked(options: argparse.Namespace) -> Asked:
    from vendor.policy.decision import Asked  # noqa: PLC0415

    pairs = [said.partition("=") for said in options.parameter]
    if not all(name and equals for name, equals, _ in pairs):
        raise given.UnusableError("vendor: a parameter is written NAME=VALUE")
    parameters = {name: value for name, _, value in pairs}
    if len(parameters) != len(pairs):
        raise given.UnusableError("vendor: a parameter stands twice")
    return Asked(scope=options.scope, parameters=parameters, duration=_duration(options.duration))


def _duration(said: str | None) -> timedelta | None:
    from vendor.config.shape import seconds  # noqa: PLC0415

    if said is None:
        return None
    try:
        return timedelta(seconds=seconds(f"{said}s" if said.isdecimal() else said))  # a number is seconds, as for vend
    except ValueError as exc:
        raise given.UnusableError(f"vendor: --duration: {exc}") from exc


async def _principal(options: argparse.Namespace, configuration: Configuration) -> tuple[Principal, list[str]]:
    """Return who is asking, and what must be said of how that is known.

    Raises Refusal, or UnusableError.
    """
    if options.attributes is not None:
        if options.unverified:
            raise given.UnusableError("vendor: --unverified is about a token")
        return _supposed(options.attributes, configuration)
    token = given.text(options.token_file)
    if options.unverified:
        return await _claimed(token, configuration)
    return await _verified(token, configuration)


async def _verified(token: str, configuration: Configuration) -> tuple[Principal, list[str]]:
    from vendor.identity.authentication import Authenticator  # noqa: PLC0415

    async with given.trusted(configuration) as issuers:
        principal = await Authenticator(issuers=issuers, clock=given.Clock()).authenticate(token)
    issuer = configuration.issuers[principal.issuer]
    warnings = []
    if issuer.token_review:
        warnings.append("the token was not reviewed here: the API server knows whether the pod is still there")
    if issuer.one_time:
        warnings.append("only the service knows whether the token was used before")
    return principal, warnings


async def _claimed(token: str, configuration: Configuration) -> tuple[Principal, list[str]]:
    from vendor.identity.inspection import inspect  # noqa: PLC0415

    async with given.trusted(configuration) as issuers:
        found = await inspect(token, issuers=issuers, now=given.Clock().now(), offline=True)
    refused = f"; serving would refuse it: {found.refusal.code}, {found.refusal.reason}" if found.refusal else ""
    return _named(found, configuration), [f"the token was not verified{refused}"]


def _named(found: Inspection, configuration: Configuration) -> Principal:
    """Return whom an inspected token names.

    Raises Refusal where it names nobody.
    """
    from vendor.identity.authentication import suppose  # noqa: PLC0415
    from vendor.refusals import InvalidToken, Reason  # noqa: PLC0415

    if found.issuer is None or found.attributes is None or found.token_expires is None:
        raise found.refusal.again() if found.refusal else InvalidToken(Reason.CLAIMS)
    scopes = found.token_scopes or frozenset()
    issuer = configuration.issuers[found.issuer]
    return suppose(issuer, found.attributes, token_expires=found.token_expires, token_scopes=scopes)


def _supposed(text: str, configuration: Configuration) -> tuple[Principal, list[str]]:
    from vendor.identity.authentication import suppose  # noqa: PLC0415

    attributes = _attributes(text)
    name = attributes.pop("issuer", None)
    issuer = configuration.issuers.get(name) if isinstance(name, str) else None
    if issuer is None:
        known = ", ".join(map(plain, configuration.issuers))
        raise given.UnusableError(f'vendor: --attributes must hold "issuer", the name of one that is known: {known}')
    principal = suppose(issuer, attributes, token_expires=given.Clock().now() + issuer.max_token_lifetime)
    return principal, _unknown(issuer, attributes)


def _attributes(text: str) -> dict[str, AttributeValue]:
    from vendor.refusals import InvalidRequest  # noqa: PLC0415
    from vendor.server.body import read_attributes  # noqa: PLC0415
    from vendor.strict_json import StrictJSONError, read_object  # noqa: PLC0415

    try:
        return read_attributes(read_object(text.encode("utf-8", "surrogateescape")))
    except StrictJSONError as exc:
        raise given.UnusableError(f"vendor: --attributes is not strict JSON: {exc}") from exc
    except InvalidRequest as refusal:
        raise given.UnusableError(f"vendor: --attributes: {plain(refusal.public)}") from refusal


def _unknown(issuer: Issuer, attributes: Mapping[str, AttributeValue]) -> list[str]:
    """Return a warning for each attribute that no token of the issuer has: it may be a slip."""
    from vendor.identity import attributes as kinds  # noqa: PLC0415

    known = {*kinds.names(issuer), "token_scope"}
    strange = [] if kinds.RULES[issuer.kind].open else [name for name in attributes if name not in known]
    return [f"{issuer.name} yields no attribute {name}" for name in strange]
