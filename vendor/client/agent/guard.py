"""Who is served with this machine's own identity: whoever sends our token, or a program of a user we serve.

A web page can make a browser ask loopback, under a name that it makes point here or by our address; so names other than
`localhost` are refused, and what a browser says that a page has it ask, whoever asks.
"""

from __future__ import annotations

import hmac
import ipaddress

from vendor.client.agent import wire
from vendor.client.agent.callers import user_of

TYPE_CHECKING = False  # as in client/address.py
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    Guard = Callable[[wire.Asked], wire.Reply | None]

_PASSED_ON = frozenset({"x-forwarded-for", "forwarded", "via"})


def token_guard(token: str) -> Guard:
    """Return what refuses everyone who does not send this token, alone or as Bearer."""

    def guard(asked: wire.Asked) -> wire.Reply | None:
        sent = bearer(asked)
        if not sent:
            told = "no token: read it from the file that AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names"
            return wire.refused(401, "missing_token", told)
        if hmac.compare_digest(sent.encode("latin-1"), token.encode()):
            return None
        return wire.refused(401, "invalid_token", "this is not the token of this endpoint")

    return guard


def user_guard(uids: Collection[int]) -> Guard:
    """Return what refuses everyone but the programs of these users on this machine."""

    def guard(asked: wire.Asked) -> wire.Reply | None:
        uid = user_of(asked.caller)
        if uid in uids:
            return None
        told = "a caller of another machine or network namespace" if uid is None else f"a program of user {uid}"
        return wire.refused(403, "access_denied", f"{told} is not served here (vend agent --allow-uid)")

    return guard


def is_passed_on(asked: wire.Asked) -> bool:
    """Tell whether a proxy says that it passes on what somebody else asks (RFC 7239, RFC 9110 section 7.6.3).

    A proxy, or a server that can be made to ask for others, is a program of this machine, and who asks it is anybody.
    """
    return not _PASSED_ON.isdisjoint(asked.headers)


def bearer(asked: wire.Asked) -> str:
    """Return the token that a caller sends, alone as SDKs do or as Bearer; empty when there is none."""
    sent = asked.headers.get("authorization", "").strip()
    scheme, _, token = sent.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else sent


def page_guard(asked: wire.Asked) -> wire.Reply | None:
    """Refuse a Host that is a name other than `localhost`, and requests of web pages (Fetch Metadata, RFC 6454)."""
    if "origin" in asked.headers or asked.headers.get("sec-fetch-site", "none") != "none":
        return wire.refused(403, "access_denied", "web pages are not served")
    host = asked.headers.get("host", "localhost")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost":
        return None
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return wire.refused(403, "access_denied", "ask for this machine by its address, or as localhost")
    return None
