"""Answers as the load generator reads them: cheaply, and only as far as the checks need."""

from __future__ import annotations

from typing import NamedTuple

_HEAD_END = b"\r\n\r\n"


class Answer(NamedTuple):
    """What came of one request: `due` counts from the beginning, `seconds` from `due`, `which` is the request's place
    in the plan.

    `status` 0 means that no whole answer came, and `code` then says why not.
    """

    due: float
    seconds: float
    which: int
    status: int
    code: str = ""
    key_id: str = ""
    request_id: str = ""
    retry_after: str = ""


class Reply:
    """One answer as its bytes come in."""

    def __init__(self) -> None:
        self.raw = bytearray()
        self.status = 0
        self.last = False
        self._size = 0

    def feed(self, data: bytes) -> bool:
        """Take more bytes and tell whether the answer is whole."""
        self.raw += data
        if not self._size and (end := self.raw.find(_HEAD_END)) >= 0:
            self._read_head(bytes(self.raw[:end]).lower(), end + len(_HEAD_END))
        return 0 < self._size <= len(self.raw)

    def _read_head(self, head: bytes, end: int) -> None:
        self.status = int(head[9:12])
        self.last = b"\r\nconnection: close" in head
        self._size = end + int(_between(head, b"\r\ncontent-length: ", b"\r") or 0)

    def answer(self, due: float, seconds: float, which: int) -> Answer:
        """Return what the checks need of it."""
        raw = bytes(self.raw)
        return Answer(
            due,
            seconds,
            which,
            self.status,
            _between(raw, b'"code":"', b'"'),
            _between(raw, b'"AccessKeyId":"', b'"'),
            _between(raw, b"\r\nX-Request-Id: ", b"\r"),
            _between(raw, b"\r\nRetry-After: ", b"\r"),
        )


def _between(raw: bytes, before: bytes, after: bytes) -> str:
    """Return what stands between two marks, nothing if the first is not there."""
    _, found, rest = raw.partition(before)
    return rest.partition(after)[0].decode("latin-1") if found else ""
