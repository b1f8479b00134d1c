"""Refusal and its kinds: every way in which an exchange can be answered with no.

Each refusal carries two texts: `public` goes to the caller, `detail` to the audit line and the operators. HTTP is not
known here; `vendor.server.errors` maps each `Code` to a status.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import ClassVar


@unique
class Code(StrEnum):
    """What the caller is told: stable names, the ones clients may program against."""

    INVALID_REQUEST = "invalid_request"
    SCOPE_REQUIRED = "scope_required"
    MISSING_TOKEN = "missing_token"
    INVALID_TOKEN = "invalid_token"
    EXPIRED_TOKEN = "expired_token"
    ACCESS_DENIED = "access_denied"
    VALUE_NOT_ALLOWED = "value_not_allowed"
    REVOKED = "revoked"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    REQUEST_TOO_LARGE = "request_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    HEADER_TOO_LARGE = "header_too_large"
    RATE_LIMITED = "rate_limited"
    POLICY_TOO_LARGE = "policy_too_large"
    ROLE_REFUSED = "role_refused"
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    STS_THROTTLED = "sts_throttled"
    STS_UNAVAILABLE = "sts_unavailable"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    OVERLOADED = "overloaded"


@unique
class Reason(StrEnum):
    """Why, in one word of a closed set: the label of `vendor_refusals_total` and the audit line's `reason`."""

    MALFORMED_REQUEST = "malformed_request"
    UNDECLARED_PARAMETER = "undeclared_parameter"
    MISSING_PARAMETER = "missing_parameter"
    MISSING_PROOF = "missing_proof"
    NOT_AT_THIS_DOOR = "not_at_this_door"
    DURATION = "duration"
    NO_SUCH_PATH = "no_such_path"
    NO_SUCH_METHOD = "no_such_method"
    NO_SUCH_THING = "no_such_thing"
    TAKEN = "taken"
    BODY_TOO_LARGE = "body_too_large"
    HEADERS_TOO_LARGE = "headers_too_large"
    MEDIA_TYPE = "media_type"
    NO_TOKEN = "no_token"
    SEVERAL_TOKENS = "several_tokens"
    MALFORMED_TOKEN = "malformed_token"
    UNKNOWN_ISSUER = "unknown_issuer"
    ALGORITHM = "algorithm"
    TOKEN_TYPE = "token_type"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    CLAIMS = "claims"
    LIFETIME = "lifetime"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    REPLAYED = "replayed"
    REVIEW = "review"
    KEYS_UNAVAILABLE = "keys_unavailable"
    REVIEW_UNAVAILABLE = "review_unavailable"
    NO_SCOPE_NAMED = "no_scope_named"
    UNKNOWN_SCOPE = "unknown_scope"
    NO_GRANT = "no_grant"
    TOKEN_SCOPE = "token_scope"
    REVOKED = "revoked"
    VALUE = "value"
    LIMIT = "limit"
    STRUCTURE = "structure"
    PACKED_SIZE = "packed_size"
    ROLE_DENIED = "role_denied"
    POLICY_REJECTED = "policy_rejected"
    BASE_IDENTITY = "base_identity"
    IDENTITY_REJECTED = "identity_rejected"
    IDENTITY_UNREACHABLE = "identity_unreachable"
    MFA_CODE = "mfa_code"
    ACCOUNTS_UNKNOWN = "accounts_unknown"
    REGION_DISABLED = "region_disabled"
    THROTTLED = "throttled"
    NO_ANSWER = "no_answer"
    DEADLINE = "deadline"
    BAD_ANSWER = "bad_answer"
    SINK = "sink"
    CAPACITY = "capacity"
    LATE = "late"
    RATE = "rate"
    MINTS = "mints"
    DEFECT = "defect"


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """An exchange answered with no.

    `public` is one sentence that may be shown to whoever asked and holds nothing of the mapping, of another principal
    or of a secret. `detail` is for the operator. `retry_after` is in seconds where trying again can help.
    """

    code: ClassVar[Code]
    told: ClassVar[str]
    recorded = False
    """Set once an audit line tells of it, so that nobody counts it twice."""
    retried_after: ClassVar[int | None] = None

    def __init__(self, reason: Reason, public: str = "", *, detail: str = "", retry_after: int | None = None) -> None:
        self.reason = reason
        self.public = public or self.told
        self.detail = detail or self.public
        self.retry_after = self.retried_after if retry_after is None else retry_after
        super().__init__(self.code, self.public)

    def again(self) -> Refusal:
        """Return a fresh refusal that says the same: one exception object must not be raised in two requests."""
        return type(self)(self.reason, self.public, detail=self.detail, retry_after=self.retry_after)


class InvalidRequest(Refusal):
    """The request is malformed, repeats itself or names what was not declared."""

    code = Code.INVALID_REQUEST
    told = "the request is malformed"


class ScopeRequired(Refusal):
    """No scope was named, and this caller may not have exactly one."""

    code = Code.SCOPE_REQUIRED
    told = "name a scope: this identity may not have exactly one"


class MissingToken(Refusal):
    """No token came with the request."""

    code = Code.MISSING_TOKEN
    told = (
        "no token: send the workload's JWT in the Authorization header "
        "(AWS SDKs: set AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, or AWS_CONTAINER_AUTHORIZATION_TOKEN for old ones)"
    )


class InvalidToken(Refusal):
    """The token proves nothing."""

    code = Code.INVALID_TOKEN
    told = "the token is not accepted"


class ExpiredToken(Refusal):
    """The token was good and has ended; raised only after its signature held."""

    code = Code.EXPIRED_TOKEN
    told = "the token has expired"


class AccessDenied(Refusal):
    """No grant matches. A scope that does not exist reads exactly the same."""

    code = Code.ACCESS_DENIED
    told = "this identity may not have this scope"


class ValueNotAllowed(Refusal):
    """An attribute or a parameter may not be put into a policy."""

    code = Code.VALUE_NOT_ALLOWED
    told = "a value may not be put into a policy"


class Revoked(Refusal):
    """An operator stopped this principal or scope."""

    code = Code.REVOKED
    told = "an operator has stopped this identity or scope"


class NotFound(Refusal):
    """There is no such path, or nothing of this name."""

    code = Code.NOT_FOUND
    told = "there is nothing at this path"


class MethodNotAllowed(Refusal):
    """The path exists, the method does not."""

    code = Code.METHOD_NOT_ALLOWED
    told = "this path does not have this method"


class Conflict(Refusal):
    """What is asked for contradicts what is there already."""

    code = Code.CONFLICT
    told = "this contradicts what is there already"


class RequestTooLarge(Refusal):
    """The body is larger than any honest one."""

    code = Code.REQUEST_TOO_LARGE
    told = "the request body is too large"


class UnsupportedMediaType(Refusal):
    """The body is not JSON, or says that it is not."""

    code = Code.UNSUPPORTED_MEDIA_TYPE
    told = "send the body as application/json"


class HeaderTooLarge(Refusal):
    """The request line or the headers are larger than any honest ones."""

    code = Code.HEADER_TOO_LARGE
    told = "the request line or the headers are too large"


class RateLimited(Refusal):
    """This principal asks more often than it may."""

    code = Code.RATE_LIMITED
    told = "this identity asks too often"
    retried_after = 1


class PolicyTooLarge(Refusal):
    """The session policy does not fit what STS takes; only the operator can mend it."""

    code = Code.POLICY_TOO_LARGE
    told = "the session policy of this scope is too large for AWS; its owner must shorten it"


class RoleRefused(Refusal):
    """AWS refuses the role for a reason that retrying does not mend."""

    code = Code.ROLE_REFUSED
    told = "AWS refuses the role of this scope; its owner must mend it"


class IssuerUnavailable(Refusal):
    """The keys of the token's issuer cannot be had, so nothing can be said of the token."""

    code = Code.ISSUER_UNAVAILABLE
    told = "the keys of the token's issuer cannot be had at the moment"
    retried_after = 2


class StsThrottled(Refusal):
    """STS asks for fewer requests."""

    code = Code.STS_THROTTLED
    told = "AWS STS is throttling at the moment"
    retried_after = 2


class StsUnavailable(Refusal):
    """STS gave no usable answer in time."""

    code = Code.STS_UNAVAILABLE
    told = "AWS STS cannot be reached at the moment"
    retried_after = 1


class AuditUnavailable(Refusal):
    """The audit line could not be written, so no secret leaves."""

    code = Code.AUDIT_UNAVAILABLE
    told = "the audit trail cannot be written at the moment"
    retried_after = 2


class Overloaded(Refusal):
    """More work is waiting than can be done in time."""

    code = Code.OVERLOADED
    told = "the service is overloaded"
    retried_after = 1


KINDS: tuple[type[Refusal], ...] = tuple(Refusal.__subclasses__())
