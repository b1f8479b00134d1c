"""An STS on the AWS Query wire that writes who asked into the key id, so a wrong credential is seen."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import time
import uuid
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakes import sts_wire, trust
from tests.fakes.faults import Fault, Kind, Switches
from tests.fakes.loopback import Loopback, Now, RealTime, reset, run
from tests.fakes.sts_others import ASSERTED_NAME, SIGN_IN, UNSIGNED, Others
from tests.fakes.sts_wire import Request, element

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.fakes.trust import Trust

# Every secret key and session token starts so: a leak is found by a plain search.
SECRET = "CANARYSECRET"
TOKEN = "CANARYTOKEN"
OVERSIZE = 10_000_000
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?:\d{12})?:role/[\x21-\x7e]{1,512}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)
_LONGEST, _LONGEST_CHAINED, _SHORTEST = 43_200, 3_600, 900
_WHOLE = 100
_OTHER_ROLE = "arn:aws:iam::999999999999:role/somebody-else"


def key_id(*, session_name: str, role_arn: str, policy: str | None) -> str:
    """Return the access key id that this STS gives for these three, always the same."""
    digest = hashlib.sha256()
    for part in (session_name, role_arn, policy or ""):
        digest.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return "ASIA" + base64.b32encode(digest.digest()).decode()[:16]


def numbered(kind: str = "") -> Iterator[str]:
    """Return key ids that are never given twice: each is of one mint and no other."""
    return (f"ASIA{kind}{number:012}" for number in count())


@dataclass(frozen=True, slots=True)
class _Issued:
    """What the Credentials element and its surroundings say; None leaves an element out."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None
    expiration: str | None
    role_arn: str


class STS(Switches, Loopback):
    """Every action that makes credentials, and GetCallerIdentity, with every parameter recorded.

    `requests` holds what came in order, `moments` when that was on the machine's monotonic clock, `issued` the request
    behind each key id. `packed_policy_size` is a percentage (None leaves it out); with `packed_limit` bytes it is
    computed instead, and what packs to more is too large. `lifetime` overrides DurationSeconds in the answer. `ids` are
    given in turn to the sessions that are made, where they are not to tell whose they are.
    Signatures are wanted but not verified. `trusts` are the roles that there are; None means all of them, open to
    everybody. `revoked` says what befalls those who sign with a session token. `others` holds what the actions beside
    AssumeRole know; Cognito's identity pools and Organizations are asked at the same address.
    """

    def __init__(self, *, clock: Now | None = None, port: int = 0) -> None:
        Switches.__init__(self)
        Loopback.__init__(self, port=port)
        self._clock = clock or RealTime()
        self.requests: list[Request] = []
        self.moments: list[float] = []
        self.issued: dict[str, Request] = {}
        self.packed_policy_size: int | None = 6
        self.packed_limit: int | None = None
        self.lifetime: timedelta | None = None
        self.ids: Iterator[str] | None = None
        self.caller_arn = "arn:aws:iam::111122223333:user/vendor"
        self.trusts: dict[str, Trust] | None = None
        self.revoked: dict[str | None, Fault] = {}
        self.says_user = True
        self.others = Others(self._clock)
        self._arrival = asyncio.Condition()

    async def arrived(self, count: int) -> None:
        """Return once `count` requests have come in all."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) >= count)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Record one request, then answer it or misbehave."""
        if request.path == SIGN_IN:
            return await self.others.sign_in(request)
        parsed = await _parse(request)
        self.requests.append(parsed)
        self.moments.append(time.monotonic())
        async with self._arrival:
            self._arrival.notify_all()
        return await self._serve(parsed, request)

    async def _serve(self, parsed: Request, request: web.Request) -> web.StreamResponse:
        fault = self.revoked.get(parsed.session_token) or self.due(parsed.role_arn)
        if fault.kind is Kind.ERROR:
            await asyncio.sleep(fault.seconds)
            return _error(fault.code, fault.message, fault.status)
        await self.wait(fault)
        if fault.kind is Kind.RESET:
            reset(request)
            return web.Response()
        return self._act(parsed, fault)

    def _act(self, request: Request, fault: Fault) -> web.StreamResponse:
        if request.access_key_id is None and request.action not in UNSIGNED:
            return _error("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        match request.action:
            case "AssumeRole" | "AssumeRoleWithWebIdentity" | "AssumeRoleWithSAML":
                return self._assume_role(request, fault)
            case "GetCallerIdentity":
                return self._caller(request)
            case action:
                found = self.others.answer(request)
                if found is None:
                    return _error("InvalidAction", f"Could not find operation {action} for version 2011-06-15", 400)
                return _error(*found) if isinstance(found, tuple) else found

    def _caller(self, request: Request) -> web.StreamResponse:
        behind = self.issued.get(request.access_key_id or "")
        arn = sts_wire.session_arn(behind.role_arn, behind.session_name) if behind else self.caller_arn
        account = arn.split(":")[4]
        result = element("Arn", arn) + element("UserId", "AIDAFAKEFAKEFAKEFAKE") + element("Account", account)
        return _xml(sts_wire.answer("GetCallerIdentity", result, _request_id()))

    def _assume_role(self, request: Request, fault: Fault) -> web.StreamResponse:
        if wrong := _wrong(request):
            return _error("ValidationError", wrong, 400)
        if unfit := self.others.refusal(request, self.issued):
            return _error(*unfit)
        if self.trusts is not None and (refused := trust.refusal(self.trusts, request, caller=self.caller_arn)):
            return _error(*refused)
        if (self._packed(request) or 0) > _WHOLE:
            return _error("PackedPolicyTooLarge", "Packed size of policy exceeds the limit", 400)
        issued = _bent(self._issue(request), fault, now=self._clock.now())
        body = sts_wire.answer(request.action, self._result(issued, request) + self.others.more(request), _request_id())
        if fault.kind is Kind.CUT_XML:
            body = body[: len(body) // 2]
        elif fault.kind is Kind.OVERSIZE:
            body += f"<!-- {'x' * OVERSIZE} -->"
        return _xml(body)

    def _issue(self, request: Request) -> _Issued:
        named = key_id(session_name=request.session_name, role_arn=request.role_arn, policy=request.policy)
        access_key_id = named if self.ids is None else next(self.ids)
        self.issued[access_key_id] = request
        lifetime = self.lifetime or timedelta(seconds=request.duration_seconds)
        return _Issued(
            access_key_id=access_key_id,
            secret_access_key=f"{SECRET}{uuid.uuid4().hex}"[:40],
            session_token=f"{TOKEN}{uuid.uuid4().hex * 12}",
            expiration=_time(self._clock.now() + lifetime),
            role_arn=request.role_arn,
        )

    def _result(self, issued: _Issued, request: Request) -> str:
        credentials = (
            element("AccessKeyId", issued.access_key_id)
            + element("SecretAccessKey", issued.secret_access_key)
            + element("SessionToken", issued.session_token)
            + element("Expiration", issued.expiration)
        )
        name = request.session_name or ASSERTED_NAME
        arn = sts_wire.session_arn(issued.role_arn, name) if self.says_user else ""
        user = element("AssumedRoleId", f"AROAFAKEFAKEFAKEFAKE:{name}") + element("Arn", arn)
        packed = self._packed(request)
        size = None if packed is None else str(packed)
        return (
            f"<AssumedRoleUser>{user}</AssumedRoleUser><Credentials>{credentials}</Credentials>"
            f"{element('PackedPolicySize', size)}{element('SourceIdentity', request.source_identity)}"
        )

    def _packed(self, request: Request) -> int | None:
        """Return the percentage that a request fills: packed by a rule of its own, which nobody could guess."""
        if self.packed_limit is None:
            return self.packed_policy_size
        return -(-_WHOLE * packed_bytes(request) // self.packed_limit)


def packed_bytes(request: Request) -> int:
    """Return the bytes that a request packs to."""
    tags = (text for tag in request.tags.items() for text in tag)
    return len(zlib.compress("\0".join((request.policy or "", *request.policy_arns, *tags)).encode()))


def _bent(issued: _Issued, fault: Fault, *, now: datetime) -> _Issued:
    """Return what was issued with the one element changed that `fault` names."""
    asked = datetime.fromisoformat(issued.expiration or "")
    changes: dict[Kind, dict[str, str | None]] = {
        Kind.NO_SESSION_TOKEN: {"session_token": None},
        Kind.NO_EXPIRATION: {"expiration": None},
        Kind.PAST_EXPIRATION: {"expiration": _time(now - timedelta(hours=1))},
        Kind.GARBAGE_EXPIRATION: {"expiration": "tomorrow, perhaps"},
        Kind.EXPIRATION: {"expiration": fault.message},
        Kind.LATE_EXPIRATION: {"expiration": _time(asked + timedelta(hours=12))},
        Kind.OTHER_ROLE: {"role_arn": _OTHER_ROLE},
    }
    return replace(issued, **changes.get(fault.kind, {}))  # type: ignore[arg-type]  # the table's names are the fields


def _wrong(request: Request) -> str | None:
    """Say what real STS would refuse before it looks at any role."""
    if not _ROLE.fullmatch(request.role_arn):
        return f"{request.role_arn} is invalid"
    if request.action != "AssumeRoleWithSAML" and not _NAME.fullmatch(request.session_name):
        return "Value at 'roleSessionName' failed to satisfy constraint"
    if not _SHORTEST <= request.duration_seconds <= _LONGEST:
        return "Value at 'durationSeconds' failed to satisfy constraint"
    if (request.access_key_id or "").startswith("ASIA") and request.duration_seconds > _LONGEST_CHAINED:
        return "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
    return None


async def _parse(request: web.Request) -> Request:
    target = request.headers.get("X-Amz-Target", "")
    posted = await request.post()
    parameters: Mapping[str, str] = {**request.query, **{name: str(value) for name, value in posted.items()}}
    if target:
        parameters = {"Action": target.partition(".")[2], "JSON": await request.text()}
    access_key_id, region = sts_wire.signature(request.headers.get("Authorization", ""))
    return Request(
        action=parameters.get("Action", ""),
        parameters=parameters,
        host=request.host,
        access_key_id=access_key_id,
        session_token=request.headers.get("X-Amz-Security-Token"),
        region=region,
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _request_id() -> str:
    return str(uuid.uuid4())


def _xml(body: str, *, status: int = 200) -> web.Response:
    return web.Response(text=body, status=status, content_type="text/xml")


def _error(code: str, message: str, status: int) -> web.Response:
    return _xml(sts_wire.failure(code, message, status=status, request_id=_request_id()), status=status)


if __name__ == "__main__":
    run(lambda port: STS(port=port), description=__doc__)
