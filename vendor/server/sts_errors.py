"""The one table from refusal to STS's own errors, and the refusals that only the STS door has.

Sources: the errors of AssumeRoleWithWebIdentity, and the common errors, in the AWS STS API reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from vendor.refusals import Code, InvalidRequest, InvalidToken, MissingToken

if TYPE_CHECKING:
    from vendor.refusals import Refusal


class Error(NamedTuple):
    """An error as STS tells it."""

    code: str
    status: int


ERRORS: Final = {
    Code.INVALID_REQUEST: Error("ValidationError", 400),
    Code.SCOPE_REQUIRED: Error("ValidationError", 400),
    Code.MISSING_TOKEN: Error("InvalidIdentityToken", 400),
    Code.INVALID_TOKEN: Error("InvalidIdentityToken", 400),
    Code.EXPIRED_TOKEN: Error("ExpiredTokenException", 400),
    Code.ACCESS_DENIED: Error("AccessDenied", 403),
    Code.VALUE_NOT_ALLOWED: Error("AccessDenied", 403),
    Code.REVOKED: Error("AccessDenied", 403),
    Code.NOT_FOUND: Error("InvalidAction", 404),
    Code.METHOD_NOT_ALLOWED: Error("InvalidAction", 405),
    Code.CONFLICT: Error("ValidationError", 400),
    Code.REQUEST_TOO_LARGE: Error("ValidationError", 400),
    Code.UNSUPPORTED_MEDIA_TYPE: Error("ValidationError", 400),
    Code.HEADER_TOO_LARGE: Error("ValidationError", 400),
    Code.POLICY_TOO_LARGE: Error("PackedPolicyTooLarge", 400),
    Code.ROLE_REFUSED: Error("AccessDenied", 403),
    Code.RATE_LIMITED: Error("Throttling", 429),  # the one status that all SDKs try again after
    Code.ISSUER_UNAVAILABLE: Error("IDPCommunicationError", 400),
    Code.STS_THROTTLED: Error("Throttling", 429),
    Code.STS_UNAVAILABLE: Error("ServiceUnavailable", 503),
    Code.AUDIT_UNAVAILABLE: Error("ServiceUnavailable", 503),
    Code.OVERLOADED: Error("ServiceUnavailable", 503),
}
"""The error of each code; a test holds it complete."""
DEFECT: Final = Error("InternalFailure", 500)
"""What a defect of ours is called."""


class UnknownAction(InvalidRequest):
    """An action that is not answered here."""

    error: ClassVar = Error("InvalidAction", 400)
    told = (
        "this service answers AssumeRoleWithWebIdentity, AssumeRoleWithSAML and GetCallerIdentity of version 2011-06-15"
    )


class NoAction(InvalidRequest):
    """No action is named."""

    error: ClassVar = Error("MissingAction", 400)
    told = "the parameter Action is missing: this is a service that speaks AWS STS"


class NoTokenBesideAssertion(MissingToken):
    """An assertion that comes alone: it is for AWS, and does not tell us who asks."""

    error: ClassVar = Error("InvalidIdentityToken", 400)
    told = "send the workload's JWT in the Authorization header: the assertion is for AWS and does not say who asks"


class NotSigned(MissingToken):
    """A request that must be signed and is not."""

    error: ClassVar = Error("MissingAuthenticationToken", 403)
    told = "Request is missing Authentication Token"


class BadlySigned(InvalidRequest):
    """A signature that is not written as one is."""

    error: ClassVar = Error("IncompleteSignature", 403)
    told = "the signature is not one of Signature Version 4"


class UnknownAccessKey(InvalidToken):
    """Credentials that were not vended here, or are no longer known."""

    error: ClassVar = Error("InvalidClientTokenId", 403)
    told = "The security token included in the request is invalid: these credentials were not vended here, or ended"


class WrongSignature(InvalidToken):
    """A signature that was not made with the secret of its access key, or not now."""

    error: ClassVar = Error("SignatureDoesNotMatch", 403)
    told = "The request signature does not match the one calculated from the secret access key"


def error_of(refusal: Refusal) -> Error:
    """Return the error that STS would tell."""
    own: Error | None = getattr(refusal, "error", None)
    return own or ERRORS[refusal.code]
