"""`vendor check --live`: asks STS for the sessions of scopes as serving would, and tells what came of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from vendor.cli import given
from vendor.cli.terminal import plain, without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vendor.audit import Source
    from vendor.config import Configuration
    from vendor.config.codes import Severity
    from vendor.config.values import Target
    from vendor.credentials import Credentials
    from vendor.leases.lease import Lease
    from vendor.live.problems import Problem
    from vendor.live.proof import Verdict
    from vendor.mint.sts import Sts
    from vendor.policy.grant import Scope
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession

UNREACHABLE: Final = 3


def named(configuration: Configuration, names: list[str]) -> list[Scope]:
    """Return the scopes of these names, all scopes if there are none.

    Raises UnusableError.
    """
    scopes = configuration.scopes
    for name in names:
        if name not in scopes:
            near = "".join(f"; did you mean {one}?" for one in get_close_matches(name, scopes, n=1))
            raise given.UnusableError(f"vendor: there is no scope {plain(name)}{near}")
    return [scope for scope in scopes.values() if not names or scope.name in names]


def verdicts(configuration: Configuration, scopes: list[Scope]) -> list[Verdict]:
    """Return what STS says of each scope.

    Raises UnusableError when the environment's settings for AWS are no use.
    """
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - each command loads only what it needs

    try:
        return asyncio.run(_verdicts(configuration, scopes))
    except (BotoCoreError, OSError) as exc:
        said = without_tokens(str(exc).partition("\n")[0])
        raise given.UnusableError(f"vendor: AWS cannot be asked: {plain(said)}") from exc


async def _verdicts(configuration: Configuration, scopes: list[Scope]) -> list[Verdict]:
    from aiobotocore.session import get_session  # noqa: PLC0415

    aws = get_session()
    async with AsyncExitStack() as stack:
        proven: list[Verdict] = []
        for name in dict.fromkeys(scope.target for scope in scopes):
            target = configuration.targets[name]
            results: list[tuple[str, str]] = []
            sts = _sts(target, aws, results)
            stack.push_async_callback(sts.close)
            await sts.open()
            found = await _of_target(configuration, [scope for scope in scopes if scope.target == name], sts)
            found[0].notes += _of_regions(name, results)
            proven += found
    order = {scope.name: number for number, scope in enumerate(scopes)}
    return sorted(proven, key=lambda verdict: order[verdict.scope])


def _of_regions(target: str, results: list[tuple[str, str]]) -> list[str]:
    """Return which regions are of no use, though another one may have answered in their place."""
    told = {
        "region_disabled": "is disabled in the account",
        "no_answer": "did not answer every time",
        "bad_answer": "did not answer every time",
        "throttled": "throttled",
    }
    found = dict.fromkeys(f"region {region} of {target} {told[result]}" for region, result in results if result in told)
    return list(found)


def _sts(target: Target, aws: Any, results: list[tuple[str, str]]) -> Sts:
    """Return the mint of serving, which notes region and result of each request."""
    from vendor.mint.chain import Chain  # noqa: PLC0415
    from vendor.targets import Targets  # noqa: PLC0415

    def note(_target: str, region: str, _action: str, result: str, _seconds: float) -> None:
        results.append((region, result))

    chain = Chain(clock=given.Clock())
    sts = Targets({target.name: target}, aws=aws, clock=given.Clock(), report=note, chain=chain).parts[target.name].sts
    chain.lender = _Lender(sts)
    return sts


class _Lender:
    """Mints each session on the way to others once."""

    def __init__(self, sts: Sts) -> None:
        self._sts = sts
        self._held: dict[bytes, Lease] = {}

    async def lend(self, session: RoleSession, *, deadline: float, proof: Proof) -> tuple[Lease, Source]:  # noqa: ARG002 - nobody waits
        """Return a lease; see `vendor.mint.chain.Lender`."""
        from vendor.audit import Source  # noqa: PLC0415
        from vendor.leases.lease import Lease  # noqa: PLC0415

        clock = given.Clock()
        if session.key not in self._held:
            credentials = await self._sts.mint(session, proof=proof)
            self._held[session.key] = Lease(
                session=session, credentials=credentials, minted=clock.now(), minted_monotonic=clock.monotonic()
            )
        return self._held[session.key], Source.STS

    async def give_up(self, session: RoleSession, credentials: Credentials) -> bool:  # noqa: ARG002 - they are of this minute
        """Tell that others would fare no better; see `vendor.leases.leases.Leases.give_up`."""
        return False


async def _of_target(configuration: Configuration, scopes: list[Scope], sts: Sts) -> list[Verdict]:
    """Return the verdicts of one target's scopes; where STS does not answer, the rest need not wait for it too."""
    from vendor.live.problems import Kind  # noqa: PLC0415
    from vendor.live.proof import Verdict, prove  # noqa: PLC0415

    found: list[Verdict] = []
    gone: Problem | None = None
    for scope in scopes:
        if gone is not None:
            found.append(Verdict(scope=scope.name, target=scope.target, problems=[gone]))
            continue
        found.append(await prove(scope, configuration.issuers, mint=sts, now=given.Clock().now()))
        lasting = {Kind.UNREACHABLE, Kind.BASE_IDENTITY}
        gone = next((problem for problem in found[-1].problems if problem.kind in lasting), None)
    return found


def exit_code(proven: Iterable[Verdict]) -> int:
    """Return 0, or 1 if AWS refuses anything, or 3 if all that is known is that it could not be asked."""
    kinds = {problem.kind for verdict in proven for problem in verdict.problems}
    return 0 if not kinds else UNREACHABLE if kinds == {"unreachable"} else 1


def remarks(verdict: Verdict) -> Iterator[tuple[Severity, str]]:
    """Yield what is to be said of a scope, safe for a terminal."""
    for problem in verdict.problems:
        said = f"; AWS says: {problem.said}" if problem.said and problem.said != problem.message else ""
        yield "error", _safe(problem.message + said)
    for warning in verdict.warnings:
        yield "warning", _safe(warning)


def as_text(verdict: Verdict) -> str:
    """Return the lines of a scope for people."""
    if verdict.unasked:
        lines = [f"{verdict.scope}: not asked: {verdict.unasked}"]
    elif verdict.passes:
        size = "" if verdict.packed_percent is None else f", packed policy {verdict.packed_percent} %"
        session = f"{verdict.role} as {verdict.session_name} in {verdict.region}"
        lines = [f"{verdict.scope}: passes: {session}, up to {_seconds(verdict)} s{size}"]
    else:
        lines = [f"{verdict.scope}: fails: {verdict.role or 'not asked'}"]
    marks = {"error": "", "warning": "warning: "}
    return "\n".join([*map(_safe, lines), *(f"  {marks[severity]}{said}" for severity, said in remarks(verdict))])


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """Return the members of a scope for tools."""
    return {
        "scope": verdict.scope,
        "ok": verdict.passes,
        "target": verdict.target,
        "region": verdict.region or None,
        "role": verdict.role or None,
        "session_name": verdict.session_name or None,
        "max_duration_seconds": _seconds(verdict) or None,
        "packed_policy_percent": verdict.packed_percent,
        "calls": verdict.calls,
        "not_asked": _safe(verdict.unasked) or None,
        "problems": [
            {"problem": one.kind, "message": _safe(one.message), "aws": _safe(one.said) or None}
            for one in verdict.problems
        ],
        "warnings": [_safe(warning) for warning in verdict.warnings],
    }


def _seconds(verdict: Verdict) -> int:
    return int(verdict.longest.total_seconds())


def _safe(text: str) -> str:
    return plain(without_tokens(text))
