"""The STS wire door: AWS STS as its SDKs speak it, for a caller's own token and for credentials that it was lent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vendor.audit import Door
from vendor.credentials import Secret
from vendor.exchange import Exchange, Request
from vendor.policy.decision import Asked
from vendor.policy.proof import NO_PROOF, Proof
from vendor.refusals import InvalidRequest, Reason, Refusal
from vendor.server import body, sts_errors, sts_wire, wire
from vendor.server.signature import SignatureError, read_signed
from vendor.server.sts_parameters import read_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.leases.lease import Lease
    from vendor.server.answer import Answer
    from vendor.server.listener import Doors, Visit
    from vendor.server.signature import Signed
    from vendor.server.sts_parameters import Parameters

PATHS: Final = frozenset({"/", "/sts", "/sts/"})
"""The paths at which STS is spoken, in refusals too."""

_ARN: Final = re.compile(r"[\x21-\x7e]{20,2048}")
_SESSION_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)
_TOKEN: Final = re.compile(rf"[{wire.BLANK}]*[^{wire.BLANK}].*", re.DOTALL)


class StsDoor:
    """What is answered in the words of STS; `vended` returns the lease of an access key id that we still know."""

    def __init__(self, *, exchange: Exchange, vended: Callable[[str], Lease | None], get: bool, in_time: float) -> None:
        self._exchange = exchange
        self._vended = vended
        self._in_time = in_time
        self.doors: Doors = {"POST": self._answer, **({"GET": self._answer} if get else {})}

    async def _answer(self, visit: Visit) -> Answer:
        parameters = await read_parameters(visit, most=body.LONGEST_PROOF)
        match parameters.take_action():
            case "AssumeRoleWithWebIdentity":
                return await self._with_token(visit, parameters)
            case "AssumeRoleWithSAML":
                return await self._with_assertion(visit, parameters)
            case "GetCallerIdentity":
                return self._tell_caller(visit, parameters)
            case _:
                raise sts_errors.UnknownAction(Reason.UNDECLARED_PARAMETER)

    async def _with_token(self, visit: Visit, parameters: Parameters) -> Answer:
        """Lend what the role's scope gives; the session's name is the scope's too, whatever an SDK makes up."""
        lease = await self._exchange.exchange(self._request(visit, parameters, _by_token))
        return sts_wire.write_web_identity(lease, self._exchange.audience(lease.session.issuer), visit.request_id)

    async def _with_assertion(self, visit: Visit, parameters: Parameters) -> Answer:
        """Lend what AWS gives for the caller's assertion; who the caller is, its token says in the header."""
        provider = parameters.said("PrincipalArn")

        async def check(lease: Lease) -> None:
            if lease.session.provider is None or lease.session.provider.arn != provider:
                raise InvalidRequest(Reason.MISSING_PROOF, "PrincipalArn is not the provider of this scope")

        lease = await self._exchange.exchange(self._request(visit, parameters, _by_assertion)._replace(then=check))
        return sts_wire.write_saml(lease, visit.request_id)

    def _request(
        self, visit: Visit, parameters: Parameters, take: Callable[[Visit, Parameters], tuple[str, Proof]]
    ) -> Request:
        """Return the request for a role, by what `take` takes of the caller; every parameter is taken by somebody.

        What cannot be read of it is refused where that is written down.
        """
        token, proof, asked, refused = None, NO_PROOF, Asked(scope=None), None
        try:
            token, proof = take(visit, parameters)
            role = parameters.take("RoleArn", _ARN)
            wire.refuse_tokens((role,))
            asked = Asked(scope=None, role=role)
            asked = Asked(scope=None, role=role, duration=parameters.take_duration())
            parameters.refuse_others()
        except Refusal as refusal:
            refused = refusal
        return Request(
            request_id=visit.request_id,
            door=Door.STS,
            token=token,
            asked=asked,
            began=visit.began,
            deadline=visit.began + self._in_time,
            proof=proof,
            parent=visit.request.headers.get("traceparent"),
            refused=refused,
        )

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
        identity = sts_wire.identity_of(lease)
        if identity is None:
            raise sts_errors.UnknownAccessKey(Reason.UNKNOWN_KEY, "whose credentials these are is known to AWS alone")
        return sts_wire.write_caller(identity, visit.request_id)


def _by_token(visit: Visit, parameters: Parameters) -> tuple[str, Proof]:
    """Return the token that says who asks."""
    wire.read_token(visit.request)  # a second one is refused at every door; what it says is not asked for here
    parameters.take("RoleSessionName", _SESSION_NAME)
    token = parameters.take("WebIdentityToken", _TOKEN).strip(wire.BLANK)  # SDKs send the file's last newline too
    return token, NO_PROOF


def _by_assertion(visit: Visit, parameters: Parameters) -> tuple[str, Proof]:
    """Return the token that says who asks, and the assertion that AWS is shown."""
    parameters.take("PrincipalArn", _ARN)
    assertion = "".join(parameters.take("SAMLAssertion", _TOKEN).split())  # base64 is often folded
    token = wire.read_token(visit.request)
    if token is None:
        raise sts_errors.NoTokenBesideAssertion(Reason.NO_TOKEN)
    return token, Proof(saml_assertion=Secret(assertion))


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
