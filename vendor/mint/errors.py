"""What AWS says, as refusals: mapped by the error's code string, never by its text.

Source: the common errors and the errors of AssumeRole in the AWS STS API reference; botocore's throttling codes.
"""

from __future__ import annotations

from typing import Final

from aiohttp import ClientError as HttpError
from botocore.exceptions import ClientError

from vendor.refusals import PolicyTooLarge, Reason, Refusal, RoleRefused, StsThrottled, StsUnavailable

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
_PASSING: Final = ("ServiceUnavailable", "InternalFailure", "InternalError", "RequestTimeout")
_POLICY: Final = ("MalformedPolicyDocument", "ValidationError", "InvalidParameterValue")
MEANING: Final[dict[str, tuple[type[Refusal], Reason]]] = {
    "PackedPolicyTooLarge": (PolicyTooLarge, Reason.PACKED_SIZE),
    "RegionDisabledException": (StsUnavailable, Reason.REGION_DISABLED),
    **dict.fromkeys(_THROTTLED, (StsThrottled, Reason.THROTTLED)),
    **dict.fromkeys(_BASE_IDENTITY, (StsUnavailable, Reason.BASE_IDENTITY)),
    **dict.fromkeys(_PASSING, (StsUnavailable, Reason.NO_ANSWER)),
    **dict.fromkeys(_POLICY, (RoleRefused, Reason.POLICY_REJECTED)),
}
"""What each code means; any other below status 500 is AWS refusing the role."""
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
    error = exc.response.get("Error", {})
    code = str(error.get("Code", ""))
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    detail = f"{code}: {_first_line(error.get('Message', ''))}"
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
