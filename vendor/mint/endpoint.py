"""Endpoint: one region's STS, with the connections to it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector
from botocore.endpoint_provider import EndpointProvider
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies
from multidict import CIMultiDict
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiobotocore.session import AioSession
    from aiohttp import ClientResponse
    from botocore.credentials import ReadOnlyCredentials

    from vendor.mint.call import Call
    from vendor.mint.wire import Wire

CONNECTED_WITHIN: Final = 1.5
"""Seconds within which a connection must stand."""
ANSWERED_WITHIN: Final = 3.0
"""Seconds within which an answer must come."""
LONGEST_ANSWER: Final = 256 * 1024
"""Bytes of the longest answer that is read; an honest one has fewer than 20,000."""
_CONNECTIONS: Final = 100


class AnswerTooLongError(Exception):
    """The answer is longer than any honest one."""


class Endpoint:
    """STS in one region: at AWS's regional endpoint, or at `endpoint_url` if there is one."""

    def __init__(self, *, region: str, endpoint_url: str | None, wire: Wire, aws: AioSession) -> None:
        self.region = region
        self._wire = wire
        self._text = endpoint_url or regional_url(aws, region)
        self._url = URL(self._text)
        self._proxy = get_environ_proxies(self._text).get(self._url.scheme)
        self._authorities = aws.get_config_variable("ca_bundle") or True
        self._http: ClientSession | None = None

    def open(self) -> None:
        """Make ready for connections; certificates of authorities are read."""
        self._opened()

    def _opened(self) -> ClientSession:
        if self._http is None:
            context = ssl.create_default_context(cafile=get_cert_path(self._authorities))
            self._http = ClientSession(
                connector=TCPConnector(limit=_CONNECTIONS, ssl=context),
                timeout=ClientTimeout(total=ANSWERED_WITHIN, sock_connect=CONNECTED_WITHIN),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
                auto_decompress=False,
            )
        return self._http

    async def ask(self, call: Call[Any], members: Mapping[str, Any], keys: ReadOnlyCredentials | None) -> Any:
        """Return the parsed answer to one request, signed with these keys or not at all.

        Raises what `vendor.mint.errors.refusal_of` knows.
        """
        body = self._wire.body(call.action, members)
        headers = self._wire.headers(body, self._text, self.region, keys)
        sending = self._opened().post(
            self._url, data=body, headers=CIMultiDict(headers), proxy=self._proxy, allow_redirects=False
        )
        async with sending as response:
            raw = await _read(response)
            return self._wire.read(call.action, response.status, raw)

    async def close(self) -> None:
        """Close the connections."""
        await self._opened().close()


def regional_url(aws: AioSession, region: str) -> str:
    """Return the URL of AWS's endpoint in a region, never of the global one (botocore's rules for endpoints)."""
    loader = aws.get_component("data_loader")
    rules = loader.load_service_model("sts", "endpoint-rule-set-1")
    provider = EndpointProvider(rules, loader.load_data("partitions"))
    url: str = provider.resolve_endpoint(Region=region, UseFIPS=False, UseDualStack=False, UseGlobalEndpoint=False).url
    return url


async def _read(response: ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LONGEST_ANSWER:
            response.close()  # a connection that was not read to its end is of no use to anybody
            raise AnswerTooLongError
    return bytes(body)
