"""HTTP for aiobotocore with a cap: an answer of STS is read up to a limit, and not a byte further."""

from __future__ import annotations

from typing import Any, Final

from aiobotocore.httpsession import AIOHTTPSession
from aiohttp import ClientError
from botocore.exceptions import HTTPClientError

LONGEST_ANSWER: Final = 256 * 1024
"""Bytes of the longest answer that is read; an honest one has fewer than 20,000."""


class AnswerTooLongError(Exception):
    """The answer is longer than any honest one."""


class CappedSession(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore has no types
    """aiobotocore's session, but for answers of any size, which that would read into memory."""

    async def send(self, request: Any) -> Any:
        """Return the answer with its body read.

        Raises AnswerTooLongError, or HTTPClientError when the body breaks off.
        """
        request.stream_output = True  # so that aiobotocore leaves the body to us
        response = await super().send(request)
        try:
            response._content = await _read(response.raw)  # noqa: SLF001 - where botocore keeps a body that was read
        except (ClientError, OSError) as exc:
            raise HTTPClientError(error=type(exc).__name__) from exc
        return response


async def _read(raw: Any) -> bytes:
    body = bytearray()
    try:
        async for chunk in raw.content.iter_any():
            body += chunk
            if len(body) > LONGEST_ANSWER:
                break
    finally:
        raw.close()  # ends a connection that was not read to its end; any other went back to its pool by itself
    if len(body) > LONGEST_ANSWER:
        raise AnswerTooLongError
    return bytes(body)
