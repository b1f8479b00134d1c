"""The STS wire door: AWS STS as its SDKs speak it, for a caller's own token and for credentials that it was lent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vendor.audit import Door
from vendor.exchange import Exchange, Request
from vendor.policy.decision import Asked
from vendor.refusals import Reason
from vendor.server import sts_errors, sts_wire, wire
from vendor.server.signature import SignatureError, read_signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.leases.lease import Lease
    from vendor.server.answer import Answer
    from vendor.server.listener import Doors, Visit
    from vendor.server.signature import Signed
    from vendor.server.sts_wire import Parameters

LONGEST_BODY: Final = 64 * 1024
"""Bytes of the longest body that is read."""
PATHS: Final = frozenset({"/", "/sts", "/sts/"})
"""The paths at which STS is spoken, in refusals too."""

_ROLE: Final = re.compile(r"[\x21-\x7e]{20,2048}")
_SESSION_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)
_TOKEN: Final = re.compile(r"\s*\S.*", re.DOTALL)


class StsDoor:
    """What is answered in the words of STS; `vended` returns the lease of an access key id that we still know."""

    def __init__(self, *, exchange: Exchange, vended: Callable[[str], Lease | None], get: bool, in_time: float) -> None:
        self._exchange = exchange
        self._vended = vended
        self._in_time = in_time
        self.doors: Doors = {"POST": self._answer, **({"GET": self._answer} if get else {})}

    async def _answer(self, visit: Visit) -> Answer:
        parameters = await sts_wire.read_parameters(visit, most=LONGEST_BODY)
        match parameters.take_action():
            case "AssumeRoleWithWebIdentity":
                return await self._assume_role(visit, parameters)
            case "GetCallerIdentity":
                return self._tell_caller(visit, parameters)
            case _:
                raise sts_errors.UnknownAction(Reason.UNDECLARED_PARAMETER)

    async def _assume_role(self, visit: Visit, parameters: Parameters) -> Answer:
        """Lend what the role's scope gives; the session's name is the scope's too, whatever an SDK makes up."""
        role = parameters.take("RoleArn", _ROLE)
        wire.refuse_tokens((role,))
        parameters.take("RoleSessionName", _SESSION_NAME)
        token = parameters.take("WebIdentityToken", _TOKEN).strip()  # SDKs send the file's last newline too
        duration = parameters.take_duration()
        parameters.refuse_others()
        request = Request(
            request_id=visit.request_id,
            door=Door.STS,
            token=token,
            asked=Asked(scope=None, duration=duration, role=role),
            began=visit.began,
            deadline=visit.began + self._in_time,
        )
        lease = await self._exchange.exchange(request)
        return sts_wire.write_web_identity(lease, self._exchange.audience(lease.session.issuer), visit.request_id)

    def _tell_caller(self, visit: Visit, parameters: Parameters) -> Answer:
        """Tell whose credentials signed the request, where we lent them."""
        signed = _signed(visit, parameters)
        parameters.drop("X-Amz-")
        parameters.refuse_others()
        lease = self._vended(signed.access_key_id)
        if lease is None or signed.session_token != lease.credentials.session_token:
            raise sts_errors.UnknownAccessKey(Reason.UNKNOWN_KEY)
        if not signed.is_by(lease.credentials.secret_access_key):
            raise sts_errors.WrongSignature(Reason.SIGNATURE)
        if not signed.is_of(self._exchange.now()):
            raise sts_errors.WrongSignature(Reason.EXPIRED, "Signature expired, or not yet current")
        return sts_wire.write_caller(lease, visit.request_id)


def _signed(visit: Visit, parameters: Parameters) -> Signed:
    request = visit.request
    try:
        signed = read_signed(
            method=request.method,
            path=request.raw_path.partition("?")[0],
            query=parameters.query,
            headers=request.headers,
            body=parameters.body,
        )
    except SignatureError as exc:
        raise sts_errors.BadlySigned(Reason.MALFORMED_REQUEST, str(exc)) from exc
    if signed is None:
        raise sts_errors.NotSigned(Reason.NO_TOKEN)
    return signed
