"""The three ways of not getting credentials."""

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
    """No HTTP answer was had; `final` when trying again would not mend it."""

    def __init__(self, message: str, final: bool = False) -> None:  # noqa: FBT001, FBT002  # positional: exceptions pickle by position
        self.final = final
        super().__init__(readable(message), final)

    def __str__(self) -> str:
        """One line: what could not be reached, and why."""
        return str(self.args[0])


class UsageError(ValueError):
    """What was given to the client cannot be used; nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(readable(message))
