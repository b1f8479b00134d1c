"""What came back: bytes of unknown origin until they are read as the service's own answer."""

from __future__ import annotations

import json

from vendor.client.refusals import KINDS, Refused

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from email.message import Message

    from vendor.client.address import Address

LARGEST = 1 << 20  # bytes of a body; credentials are under 10,000, pages for operators under 400,000
_LONGEST_WAIT = 4  # digits of Retry-After: more is no wait but a farewell


class Answer:
    """One HTTP answer: its status, its headers and a body of at most a mebibyte (one byte more says: it was larger)."""

    __slots__ = ("_body", "_headers", "status")

    def __init__(self, status: int, headers: Message, body: bytes) -> None:
        self.status = status
        self._headers = headers
        self._body = body

    @property
    def retry_after(self) -> int | None:
        """Seconds of Retry-After (RFC 9110 section 10.2.3); its form as a date is not read."""
        value = self._headers.get("Retry-After", "").strip()
        return int(value) if value.isascii() and value.isdigit() and len(value) <= _LONGEST_WAIT else None

    @property
    def is_passing(self) -> bool:
        """May the same request do better in a moment? 502 and 504 only when a gateway says so and not the service."""
        return self.status in {429, 503} or (self.status in {502, 504} and "code" not in self.members)

    def read(self, *, of: Address) -> dict[str, object]:
        """Return the members of a JSON object sent with status 200. Raises Refused for every other answer."""
        members = self.members
        if self.status == 200 and members:  # noqa: PLR2004  # OK
            return members
        code, message = members.get("code"), members.get("message")
        if self.status >= 400 and isinstance(code, str) and isinstance(message, str):  # noqa: PLR2004  # an error
            raise self._refused(code, message)
        raise self._refused("bad_answer", f"HTTP {self.status} from {of} is no answer of the service ({self._looks()})")

    def bad(self, message: str) -> Refused:
        """Return the refusal that says what is wrong with an answer that looked good."""
        return self._refused("bad_answer", message)

    def _refused(self, code: str, message: str) -> Refused:
        request_id = self.members.get("request_id") or self._headers.get("X-Request-Id")
        kind = KINDS.get(code, Refused)
        return kind(code, message, str(request_id) if request_id else None, self.status, self.retry_after)

    @property
    def members(self) -> dict[str, object]:
        """The members of the body if it is a JSON object, whatever the status; none otherwise."""
        try:
            members = json.loads(self._body.decode()) if len(self._body) <= LARGEST else None
        except (ValueError, RecursionError):  # neither UTF-8 nor JSON, or nested to make us stumble
            return {}
        return members if isinstance(members, dict) else {}

    def _looks(self) -> str:
        if 300 <= self.status < 400:  # noqa: PLR2004  # RFC 9110 section 15.4
            return f"a redirect to {self._headers.get('Location', 'nowhere')}, not followed"
        if len(self._body) > LARGEST:
            return f"larger than {LARGEST} bytes"
        return self._headers.get("Content-Type") or "no content type"
