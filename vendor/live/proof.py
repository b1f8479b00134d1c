"""The proof of a scope: a session that can do nothing, and after a refusal others, to find what is missing.

Each question costs one AssumeRole and is asked through the mint of serving; of what comes back only its size is kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from vendor.live import problems
from vendor.live.example import example
from vendor.live.problems import Kind, Problem
from vendor.policy.chain import way
from vendor.policy.limits import SHORTEST
from vendor.policy.packing import dropped, lighter
from vendor.policy.session import Action
from vendor.refusals import PolicyTooLarge, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials
    from vendor.identity.issuer import Issuer
    from vendor.policy.grant import Scope
    from vendor.policy.session import RoleSession

NOTHING: Final = (
    '{"Version":"2012-10-17","Statement":[{"Sid":"VendorCheck","Effect":"Deny","Action":"*","Resource":"*"}]}'
)
"""The session policy of a session that can do nothing; CloudTrail shows it."""
FULL: Final = 75
"""Percent of what AWS takes, packed, above which the next statement may be one too many."""


class Mint(Protocol):
    """Asks STS."""

    async def mint(self, session: RoleSession) -> Credentials:
        """Return credentials, or raise Refusal."""
        ...


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was found of one scope. `packed_percent` is of its own policy, None where AWS did not say.

    `calls` are the requests that were made of STS, retries not counted; `unasked` says why there was none to be made.
    """

    scope: str
    target: str
    role: str = ""
    session_name: str = ""
    region: str = ""
    longest: timedelta = timedelta()
    packed_percent: int | None = None
    calls: int = 0
    unasked: str = ""
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def passes(self) -> bool:
        """Tell whether nothing stands between the scope and AWS."""
        return not self.problems

    @property
    def warnings(self) -> list[str]:
        """Return what is not wrong yet, the notes among it."""
        if self.packed_percent is None or self.packed_percent <= FULL:
            return self.notes
        full = f"policy and tags fill {self.packed_percent} % of what AWS takes packed: a longer value may not fit"
        return [*self.notes, full]


async def prove(scope: Scope, issuers: Mapping[str, Issuer], *, mint: Mint, now: datetime) -> Verdict:
    """Return whether AWS gives the sessions of a scope, and if not, why."""
    verdict = Verdict(scope=scope.name, target=scope.target)
    try:
        session = example(scope, issuers, now=now)
    except Refusal as refusal:
        verdict.problems.append(problems.of(refusal))
        return verdict
    verdict.role, verdict.session_name = session.role_arn, session.session_name
    verdict.longest = scope.session.max_duration
    verdict.unasked = _unasked(session)
    if verdict.unasked:
        return verdict
    try:
        await _Proof(scope, session, mint, verdict).run()
    except _UnansweredError as unanswered:
        verdict.problems.append(unanswered.problem)
    return verdict


def _unasked(session: RoleSession) -> str:
    """Return why AWS cannot be asked for a session that can do nothing, nothing if it can."""
    if session.needs:
        return f"AWS must be shown the caller's {' and '.join(session.needs)}"
    if session.action not in {Action.ASSUME_ROLE, Action.SAML, Action.FEDERATION_TOKEN}:
        return f"{session.action} takes no policy, so asking would make credentials that can do something"
    return ""


class _UnansweredError(Exception):
    """STS could not be asked, so nothing more is to be learned."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.kind)


class _Proof:
    """One scope, while it is proven."""

    def __init__(self, scope: Scope, session: RoleSession, mint: Mint, verdict: Verdict) -> None:
        self._scope = scope
        self._real = session
        self._probe = replace(session, policy=NOTHING, duration=SHORTEST)
        self._mint = mint
        self._verdict = verdict
        self._packed: int | None = None

    async def run(self) -> None:
        """Find every problem there is, of the roles on the way first."""
        for number, one in enumerate(way(self._probe), 1):
            refused = await self._ask(one)
            if refused is not None:
                self._find(problems.on_the_way(number, one, refused))
                return
        refused = await self._ask(self._probe)
        if refused is None:
            await self._measure()
        elif problems.is_denied(refused) and self._real.action is Action.ASSUME_ROLE:
            self._verdict.problems += await self._denied(refused)
        else:
            self._find(problems.of(refused))

    async def _ask(self, session: RoleSession) -> Refusal | None:
        """Return the refusal of a session, None if it can be had."""
        self._verdict.calls += 1
        try:
            credentials = await self._mint.mint(session)
        except Refusal as refusal:
            if not problems.is_final(refusal):
                raise _UnansweredError(problems.of(refusal)) from refusal
            return refusal
        self._verdict.region, self._packed = credentials.region, credentials.packed_policy_size
        return None

    def _find(self, problem: Problem) -> None:
        self._verdict.problems.append(problem)

    async def _denied(self, refused: Refusal) -> list[Problem]:
        """Say what is missing: what AWS names, otherwise what makes the difference."""
        named = await self._named(refused)
        if named:
            return named
        bare = _without(self._probe, *problems.ACTIONS)
        still = await self._ask(bare) if bare != self._probe else refused
        if still is None:
            return await self._difference(refused)
        if bare.external_id and await self._ask(replace(bare, external_id=None)) is None:
            return [problems.external_id(refused)]
        return [problems.not_assumed(self._probe, refused)]

    async def _named(self, refused: Refusal) -> list[Problem]:
        """Return the missing actions that AWS names: it names one at a time."""
        found: dict[str, Problem] = {}
        said: Refusal | None = refused
        while said is not None and (action := problems.named_action(said)) and action not in found:
            found[action] = problems.missing(action, self._probe, said)
            left = _without(self._probe, *found)
            said = await self._ask(left) if len(found) < len(problems.ACTIONS) and left != self._probe else None
        return list(found.values())

    async def _difference(self, refused: Refusal) -> list[Problem]:
        """Return what is missing of a session that can be had without tags and source identity."""
        needed = [action for action in problems.ACTIONS if _without(self._probe, action) != self._probe]
        if len(needed) == 1:
            return [problems.missing(needed[0], self._probe, refused)]
        found = []
        for action in needed:
            others = [other for other in needed if other != action]
            alone = await self._ask(_without(self._probe, *others))
            if alone is not None:
                found.append(problems.missing(action, self._probe, alone))
        return found or [problems.not_assumed(self._probe, refused)]

    async def _measure(self) -> None:
        """Ask for the longest session with a policy as large as the real one, and find what is too much."""
        longest = self._scope.session.max_duration
        real = replace(self._probe, policy=powerless(self._real.policy))
        refused = await self._ask(replace(real, duration=longest))
        if isinstance(refused, PolicyTooLarge):
            refused = await self._lightened(replace(real, duration=longest), refused)
        if refused is None:
            self._verdict.packed_percent = self._packed
            return
        too_long = await self._ask(replace(self._probe, duration=longest))
        if too_long is not None:
            self._find(await self._duration(too_long))
            refused = await self._ask(real)  # AWS may have said no more than that it is too long
        if refused is not None:
            self._find(problems.of(refused))

    async def _lightened(self, session: RoleSession, refused: Refusal) -> Refusal | None:
        """Ask with one optional tag less after another, as serving does, and note which have to be left out."""
        optional = self._scope.session.optional_tags
        said: Refusal | None = refused
        while isinstance(said, PolicyTooLarge) and (smaller := lighter(session, optional)) is not None:
            session, said = smaller, await self._ask(smaller)
        if said is None:
            tags = ", ".join(dropped(session, optional))
            self._verdict.notes.append(f"AWS cannot pack all of it: sessions go without the optional tags {tags}")
        return said

    async def _duration(self, refused: Refusal) -> Problem:
        """Return whether only the longest session is too long, or the usual one as well."""
        usual, longest = self._scope.session.duration, self._scope.session.max_duration
        if usual == longest:
            return problems.too_long(Kind.DURATION, _seconds(usual), refused)
        again = await self._ask(replace(self._probe, duration=usual))
        if again is None:
            return problems.too_long(Kind.MAX_DURATION, _seconds(longest), refused)
        return problems.too_long(Kind.DURATION, _seconds(usual), again)


def powerless(policy: str | None) -> str:
    """Return a policy as long as the real one that allows nothing: each of its statements denies.

    Without a policy the session could do all that the role can, so it is one that denies everything.
    """
    if policy is None:
        return NOTHING
    document: dict[str, Any] = json.loads(policy)
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        statement["Effect"] = "Deny"
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _without(session: RoleSession, *actions: str) -> RoleSession:
    """Return a session that needs none of these actions."""
    if "sts:TagSession" in actions:
        session = replace(session, tags=(), transitive_tags=())
    return replace(session, source_identity=None) if "sts:SetSourceIdentity" in actions else session


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
