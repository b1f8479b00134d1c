"""What AWS says, as refusals: mapped by the error's code string, never by its text.

Source: the common errors and the errors of each action in the AWS STS API reference, those of GetId and
GetCredentialsForIdentity in the API reference of Cognito identity pools; botocore's throttling codes.
"""

from __future__ import annotations

from typing import Final

from aiohttp import ClientError as HttpError
from botocore.exceptions import ClientError

from vendor.policy.session import BROUGHT
from vendor.refusals import ExpiredToken, PolicyTooLarge, Reason, Refusal, RoleRefused, StsThrottled, StsUnavailable

UNUSABLE: Final = "AWS STS gave an answer that cannot be used"
_THROTTLED: Final = (
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
)
_BASE_IDENTITY: Final = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "AuthFailure",
    "RequestExpired",
)
_PASSING: Final = ("ServiceUnavailable", "InternalFailure", "InternalError", "RequestTimeout", "InternalErrorException")
_POLICY: Final = (
    "MalformedPolicyDocument",
    "ValidationError",
    "InvalidParameterValue",
    "InvalidParameterException",
    "SessionDurationEscalationException",
)
_REJECTED: Final = ("InvalidIdentityToken", "IDPRejectedClaim", "NotAuthorizedException", "ResourceConflictException")
_UNREACHABLE: Final = ("IDPCommunicationError", "ExternalServiceException")
MEANING: Final[dict[str, tuple[type[Refusal], Reason]]] = {
    "PackedPolicyTooLarge": (PolicyTooLarge, Reason.PACKED_SIZE),
    "JWTPayloadSizeExceededException": (PolicyTooLarge, Reason.PACKED_SIZE),
    "RegionDisabledException": (StsUnavailable, Reason.REGION_DISABLED),
    **dict.fromkeys(_THROTTLED, (StsThrottled, Reason.THROTTLED)),
    **dict.fromkeys(_BASE_IDENTITY, (StsUnavailable, Reason.BASE_IDENTITY)),
    **dict.fromkeys(_PASSING, (StsUnavailable, Reason.NO_ANSWER)),
    **dict.fromkeys(_POLICY, (RoleRefused, Reason.POLICY_REJECTED)),
    **dict.fromkeys(_REJECTED, (RoleRefused, Reason.IDENTITY_REJECTED)),
    **dict.fromkeys(_UNREACHABLE, (StsUnavailable, Reason.IDENTITY_UNREACHABLE)),
}
"""What each code means; any other below status 500 is AWS refusing the role."""
OF_CALLER: Final = frozenset({"GetId", *(action.value for action in BROUGHT)})
"""The actions that bear no signature of the service: what has expired there is what the caller brought."""
_EXPIRED: Final = ("ExpiredTokenException", "ExpiredToken")
# AWS has one code for a token that it could not look into yet and one that it will never take; only the text tells.
_PASSES: Final = ("InvalidIdentityToken", "retrieve verification key")
_SERVER_FAULT: Final = 500


def refusal_of(exc: Exception) -> Refusal:
    """Return the refusal that what went wrong with a call means.

    Of a text only the first line is kept: botocore's parser writes whole answers, secrets too, into its exceptions, and
    AWS writes the canonical request, which holds the service's own session token, into `SignatureDoesNotMatch`.
    """
    if isinstance(exc, Refusal):
        return exc
    if isinstance(exc, ClientError):
        return _of_answer(exc)
    detail = f"{type(exc).__name__}: {_first_line(exc)}"
    if isinstance(exc, HttpError | OSError):  # TimeoutError is an OSError
        return StsUnavailable(Reason.NO_ANSWER, detail=detail)
    # For XML that it did not expect the parser lets KeyError, ValueError and more through.
    return StsUnavailable(Reason.BAD_ANSWER, UNUSABLE, detail=detail)


def _of_answer(exc: ClientError) -> Refusal:
    # Ceph has no Error element around its code.
    error = exc.response.get("Error") or exc.response
    code = str(error.get("Code", ""))
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    detail = f"{code}: {_first_line(error.get('Message', ''))}"
    if exc.operation_name in OF_CALLER and code in _EXPIRED:
        return ExpiredToken(Reason.EXPIRED, "AWS says that what was brought has expired: renew it", detail=detail)
    if code == _PASSES[0] and _PASSES[1] in detail:
        return StsUnavailable(Reason.IDENTITY_UNREACHABLE, detail=detail)
    if code in MEANING:
        kind, reason = MEANING[code]
        return kind(reason, detail=detail)
    if status >= _SERVER_FAULT:
        return StsUnavailable(Reason.NO_ANSWER, detail=detail)
    if not code:  # not AWS's word, but a proxy's, and nothing to hold against the role
        return StsUnavailable(Reason.BAD_ANSWER, UNUSABLE, detail=f"an error without a code, status {status}")
    return RoleRefused(Reason.ROLE_DENIED, detail=detail)


def _first_line(text: object) -> str:
    return str(text).partition("\n")[0][:300]
