"""Endpoint: one region's STS, or another service of AWS beside it, with the connections to it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from aiohttp import ClientSession, ClientTimeout, TCPConnector
from botocore.endpoint_provider import EndpointProvider
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies
from multidict import CIMultiDict
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


class Options(NamedTuple):
    """Which service is asked, and what is said of its endpoint beside the region.

    `authorities`, PEM, vouch for it instead of the machine's own.
    """

    service: str = "sts"
    authorities: str | None = None
    fips: bool = False
    dualstack: bool = False


PLAIN: Final = Options()
"""AWS's own STS, in no particular way."""


class Endpoint:
    """A service in one region: at AWS's regional endpoint, or at `endpoint_url` if there is one.

    `dated` is told what each answer says the time is, when it comes. To make one takes long: certificates are read.
    """

    def __init__(
        self,
        *,
        region: str,
        endpoint_url: str | None,
        wire: Wire,
        aws: AioSession,
        options: Options = PLAIN,
        dated: Callable[[str | None], None] = lambda _date: None,
    ) -> None:
        url, signed_for = regional(aws, region, options)
        self._wire = wire
        self._region = region if endpoint_url else signed_for
        self._text = _with_path(endpoint_url or url)
        self._url = URL(self._text)
        self._proxy = get_environ_proxies(self._text).get(self._url.scheme)
        bundle = None if options.authorities else get_cert_path(aws.get_config_variable("ca_bundle") or True)
        self._tls = ssl.create_default_context(cafile=bundle, cadata=options.authorities)
        self._dated = dated
        self._http: ClientSession | None = None

    def open(self) -> None:
        """Make ready for connections."""
        self._opened()

    def _opened(self) -> ClientSession:
        if self._http is None:
            self._http = ClientSession(
                connector=TCPConnector(limit=_CONNECTIONS, ssl=self._tls),
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
        headers = self._wire.headers(call.action, body, self._text, self._region, keys)
        sending = self._opened().post(
            self._url, data=body, headers=CIMultiDict(headers), proxy=self._proxy, allow_redirects=False
        )
        async with sending as response:
            self._dated(response.headers.get("Date"))
            raw = await _read(response)
            return self._wire.read(call.action, response.status, raw)

    async def close(self) -> None:
        """Close the connections."""
        await self._opened().close()


def regional(aws: AioSession, region: str, options: Options) -> tuple[str, str]:
    """Return the URL of AWS's endpoint in a region, never of the global one of STS, and the region that is signed for.

    Source: botocore's rules for endpoints.
    """
    loader = aws.get_component("data_loader")
    rules = loader.load_service_model(options.service, "endpoint-rule-set-1")
    provider = EndpointProvider(rules, loader.load_data("partitions"))
    known = {"Region": region, "UseFIPS": options.fips, "UseDualStack": options.dualstack, "UseGlobalEndpoint": False}
    found = provider.resolve_endpoint(**{name: value for name, value in known.items() if name in rules["parameters"]})
    schemes = found.properties.get("authSchemes") or [{}]
    return found.url, schemes[0].get("signingRegion", region)


def _with_path(url: str) -> str:
    """Return a URL with a path, as a proxy wants it (RFC 9112 section 3.2.2)."""
    return url if urlsplit(url).path else f"{url}/"


async def _read(response: ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LONGEST_ANSWER:
            response.close()  # a connection that was not read to its end is of no use to anybody
            raise AnswerTooLongError
    return bytes(body)
