"""Inspection: everything that serving would ask of a token, asked one by one, so that people see what is wrong with it.

It runs the checks of serving themselves and has none of its own. What it finds proves nothing: only
`vendor.identity.authentication` makes a Principal.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from vendor.identity import checks, claims, once, token
from vendor.identity.authentication import check_signature, find_issuer
from vendor.identity.findings import Finding, Findings
from vendor.identity.issuer import DiscoveredKeys, GivenKeys, Issuer, Kind
from vendor.refusals import Refusal
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.identity.authentication import TrustedIssuer, VerificationKey
    from vendor.identity.checks import Check, Proven
    from vendor.identity.principal import AttributeValue
    from vendor.identity.token import UnverifiedToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found, in the order of serving.

    `header` and `claims` are there as far as they can be read, `attributes` are those that the token would yield; with
    `token_expires` and `token_scopes` they say whom it names, proven or not.
    """

    sha256: str
    header: Mapping[str, Any] | None
    claims: Mapping[str, Any] | None
    issuer: str | None
    findings: tuple[Finding, ...]
    attributes: Mapping[str, AttributeValue] | None
    token_expires: datetime | None = None
    token_scopes: frozenset[str] | None = None

    @property
    def refusal(self) -> Refusal | None:
        """What serving would answer, None where nothing speaks against the token."""
        return next((finding.refusal for finding in self.findings if finding.refusal), None)


NOT_ASKED: Final = "not asked here"
# Of a token of nobody whom we know only its own time can be judged, on the terms that an issuer has by default.
_NOBODY: Final = Issuer(
    name="nobody",
    url="",
    audience="",
    kind=Kind.GENERIC,
    keys=DiscoveredKeys(),
    algorithms=(),
    extra_attributes=(),
    max_token_lifetime=timedelta(hours=24),
    leeway=timedelta(seconds=30),
    strict_aud=True,
    allow_private_addresses=False,
)
_OF_NOBODY: Final = frozenset({"beginning", "expiry"})


async def inspect(
    text: str, *, issuers: Mapping[str, TrustedIssuer] | None, now: datetime, offline: bool = False
) -> Inspection:
    """Return what serving with these issuers, keyed by `iss`, would find in a token; None stands for no configuration.

    Keys are looked for where serving would look for them; `offline` leaves out those that must be fetched.
    """
    findings = Findings()
    looking = _Looking(findings, now)
    header, said = _peek(text)
    unverified = looking.parse(text)
    trusted = None
    if unverified is not None:
        trusted = looking.find_issuer(unverified.issuer, issuers)
        if trusted is None:
            looking.judge_of_nobody(unverified)
        else:
            await looking.verify(unverified, trusted, offline=offline)
            looking.judge(unverified, trusted.issuer)
    return Inspection(
        sha256=token.digest(text),
        header=header,
        claims=said,
        issuer=None if trusted is None else trusted.issuer.name,
        findings=findings.listed(),
        attributes=looking.proven.get("attributes"),
        token_expires=looking.proven.get("token_expires"),
        token_scopes=looking.proven.get("token_scopes"),
    )


class _Looking:
    """One inspection under way."""

    def __init__(self, findings: Findings, now: datetime) -> None:
        self._now = now
        self._findings = findings
        self.proven: Proven = {}

    def parse(self, text: str) -> UnverifiedToken | None:
        return self._findings.ask("shape", lambda: token.parse(text))

    def find_issuer(self, named: str, issuers: Mapping[str, TrustedIssuer] | None) -> TrustedIssuer | None:
        if issuers is None:
            self._findings.unsaid("issuer", "no configuration was given")
            return None
        return self._findings.ask(
            "issuer",
            lambda: find_issuer(named, issuers),
            note=lambda found: f"{found.issuer.name}, of kind {found.issuer.kind}",
            hint=_nearest(named, issuers),
        )

    async def verify(self, unverified: UnverifiedToken, trusted: TrustedIssuer, *, offline: bool) -> None:
        """Check header and signature; as in serving, no key is looked for where the header is refused."""
        case = checks.Case(token=unverified, issuer=trusted.issuer, now=self._now)
        for check in checks.HEADER:
            self._run(check, case)
        key = await self._find_key(unverified, trusted, offline=offline)
        if key is None:
            self._findings.unsaid("signature", "there is no key to verify it with")
        else:
            self._findings.ask("signature", lambda: check_signature(unverified, key))

    async def _find_key(
        self, unverified: UnverifiedToken, trusted: TrustedIssuer, *, offline: bool
    ) -> VerificationKey | None:
        if self._findings.failed(*(check.name for check in checks.HEADER)):
            self._findings.unsaid("key", "it is not looked for where the header is refused")
            return None
        if offline and not isinstance(trusted.issuer.keys, GivenKeys):
            self._findings.unsaid("key", "it would have to be fetched")
            return None
        try:
            key = await trusted.keys.find(unverified.key_id)
        except Refusal as refusal:
            self._findings.refused("key", refusal)
            return None
        self._findings.passed("key", f"{unverified.key_id}, for {key.algorithm}")
        return key

    def judge(self, unverified: UnverifiedToken, issuer: Issuer) -> None:
        """Check what the claims say, whether or not the signature held."""
        case = checks.Case(token=unverified, issuer=issuer, now=self._now)
        for check in claims.CHECKS:
            self._run(check, case)
        if issuer.token_review:
            self._findings.unsaid("review", f"{NOT_ASKED}: the API server knows whether the pod is still there")
        if issuer.one_time:
            self._findings.ask("one_time", lambda: once.read_name(case.claims))
        if issuer.one_time and not self._findings.failed("one_time"):
            self._findings.unsaid("one_time", f"{NOT_ASKED}: the service knows whether it was used before")

    def judge_of_nobody(self, unverified: UnverifiedToken) -> None:
        """Check what can be said of a token without its issuer's terms."""
        case = checks.Case(token=unverified, issuer=_NOBODY, now=self._now)
        for name in (*(check.name for check in checks.HEADER), "key", "signature"):
            self._findings.unsaid(name, "its issuer is not known")
        for check in claims.CHECKS:
            if check.name in _OF_NOBODY:
                self._run(check, case)
            else:
                self._findings.unsaid(check.name, "its issuer is not known")

    def _run(self, check: Check, case: checks.Case) -> None:
        if check.needs and self._findings.failed(check.needs):
            self._findings.unsaid(check.name, f"cannot be said without {check.needs}")
            return
        proven = self._findings.ask(
            check.name, lambda: check.run(case), note=lambda found: _note(check.name, case, found)
        )
        self.proven.update(proven or {})


def _note(name: str, case: checks.Case, proven: Proven) -> str:
    """Return what a check has found good, where a reader would want to know."""
    match name:
        case "audience":
            return case.issuer.audience
        case "age" if case.issuer.max_token_age is None:
            return "no max_token_age is set"
        case "token_scope":
            named = proven["token_scopes"]
            return "not asked for" if named is None else f"for {' '.join(sorted(named)) or 'no scope at all'}"
        case _:
            return ""


def _nearest(named: str, issuers: Mapping[str, TrustedIssuer]) -> str:
    """Return which configured issuer may have been meant: often it is a slash at the end."""
    near = get_close_matches(named, issuers, n=1, cutoff=0.8)
    return "".join(f"; the nearest is {issuers[url].issuer.name}, {url!r:.200}" for url in near)


def _peek(text: str) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """Return header and claims as far as they can be read, also of what is no good token."""
    segments = text.split(".") if len(text) <= token.LONGEST_TOKEN else []
    header, said, *_ = (*(_members(segment) for segment in segments[:2]), None, None)
    return header, said


def _members(segment: str) -> Mapping[str, Any] | None:
    try:
        return read_object(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (StrictJSONError, ValueError):
        return None
