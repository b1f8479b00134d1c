"""The three ways of not getting credentials, and the one table of what the service may say."""

from __future__ import annotations

import re

_LONGEST = 500


def readable(text: str) -> str:
    """Make one line for people of text from anywhere: printable, short, and nothing in it that begins as a JWT does."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return re.sub(r"eyJ[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)*", "[token]", line)[:_LONGEST]


class Refused(Exception):  # noqa: N818  # the contract's word
    """The service answered, and the answer was no credentials.

    `code` is the service's own (`access_denied`, …), or `bad_answer` when what came back is not an answer of the
    service. `status` is the HTTP status, `retry_after` seconds.
    """

    def __init__(
        self,
        code: str,
        message: str,
        request_id: str | None = None,
        status: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.code = readable(code)
        self.message = readable(message)
        self.request_id = readable(request_id) if request_id else None
        self.status = status
        self.retry_after = retry_after
        super().__init__(self.code, self.message, self.request_id, status, retry_after)

    def __str__(self) -> str:
        """One line: code, message, and the request id to quote to an operator."""
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.code}: {self.message}{request}"


class Unreachable(Exception):  # noqa: N818  # named like Refused
    """No HTTP answer was had; `final` when trying again would not mend it, `nobody` when nothing is there to answer."""

    def __init__(self, message: str, final: bool = False, nobody: bool = False) -> None:  # noqa: FBT001, FBT002  # positional: exceptions pickle by position
        self.final = final
        self.nobody = nobody
        super().__init__(readable(message), final, nobody)

    def __str__(self) -> str:
        """One line: what could not be reached, and why."""
        return str(self.args[0])


class UsageError(ValueError):
    """What was given to the client cannot be used; nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(readable(message))


class Passing(Refused):
    """A refusal that may pass by itself: ask again after `retry_after` seconds."""


class InvalidRequest(Refused):
    """Something asked for is malformed, undeclared or beyond what the scope allows."""


class ScopeRequired(Refused):
    """No scope was named, and this workload may not have exactly one."""


class InvalidToken(Refused):
    """The token proves nothing to the service, is missing, or has expired."""


class ExpiredToken(InvalidToken):
    """The token was good and has ended: the platform should have replaced it."""


class AccessDenied(Refused):
    """No grant matches; a scope that does not exist reads the same."""


class Revoked(AccessDenied):
    """An operator stopped this workload or this scope."""


class ValueNotAllowed(Refused):
    """A parameter or a claim may not be put into a policy."""


class OwnerMustAct(Refused):
    """The scope, its policy or its role must be mended by whoever owns it; trying again does not help."""


class RateLimited(Passing):
    """This workload asks too often."""


class Unavailable(Passing):
    """The service cannot do it at the moment."""


KINDS: dict[str, type[Refused]] = {
    "invalid_request": InvalidRequest,
    "scope_required": ScopeRequired,
    "missing_token": InvalidToken,
    "invalid_token": InvalidToken,
    "expired_token": ExpiredToken,
    "access_denied": AccessDenied,
    "value_not_allowed": ValueNotAllowed,
    "revoked": Revoked,
    "not_found": InvalidRequest,
    "method_not_allowed": InvalidRequest,
    "conflict": InvalidRequest,
    "request_too_large": InvalidRequest,
    "unsupported_media_type": InvalidRequest,
    "header_too_large": InvalidRequest,
    "rate_limited": RateLimited,
    "policy_too_large": OwnerMustAct,
    "role_refused": OwnerMustAct,
    "issuer_unavailable": Unavailable,
    "sts_throttled": Unavailable,
    "sts_unavailable": Unavailable,
    "audit_unavailable": Unavailable,
    "overloaded": Unavailable,
}
"""What each code of the service is raised as; a code that stands not here is raised as Refused itself."""
