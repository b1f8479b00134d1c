"""T2, T3, T15, T16: whose token it claims to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.identity.corpus.names import NO_TEXT
from tests.identity.corpus.world import GONE, Case, World, claiming
from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

ISSUERS: dict[str, Callable[[str], str]] = {
    "with a slash": lambda url: f"{url}/",
    "with two slashes": lambda url: url.replace("//", "///"),
    "with a dot": lambda url: f"{url}/.",
    "with a query": lambda url: f"{url}?",
    "with a fragment": lambda url: f"{url}#",
    "with a user": lambda url: url.replace("//", "//user@"),
    "with a space behind": lambda url: f"{url} ",
    "with a space in front": lambda url: f" {url}",
    "in capitals": str.upper,
    "with the scheme in capitals": lambda url: url.replace("http", "HTTP"),
    "with https": lambda url: url.replace("http:", "https:"),
    "with no scheme": lambda url: url.removeprefix("http:"),
    "with another port": lambda url: f"{url}0",
    "with the port in other words": lambda url: url.replace(":", ":0").replace(":0//", "://"),
    "by another name of loopback": lambda url: url.replace("127.0.0.1", "localhost"),
    "by another number of loopback": lambda url: url.replace("127.0.0.1", "127.1"),
    "by a hexadecimal loopback": lambda url: url.replace("127.0.0.1", "0x7f000001"),
    "percent-encoded": lambda url: url.replace(".", "%2e"),
    "as a prefix": lambda url: f"{url}.evil.example",
    "as a suffix": lambda url: f"https://evil.example/{url}",
    "with a path": lambda url: f"{url}/id/AAA",
    "with a tail of dots": lambda url: f"{url}.",
    "self-issued": lambda _url: "https://self-issued.me/v2",
    "a file": lambda _url: "file:///etc/hostname",
    "instance metadata": lambda _url: "http://169.254.169.254/",
    "another name": lambda _url: "cluster-a",
    "a wildcard": lambda _url: "*",
    "very long": lambda url: f"{url}/{'a' * 4000}",
}
BAD_ISSUERS: dict[str, Callable[[str], str]] = {
    "with a newline": lambda url: f"{url}\n",
    "with a NUL": lambda url: f"{url}\0",
    "with a NUL and more": lambda url: f"{url}\0.evil.example",
    "with a tab": lambda url: f"\t{url}",
    "with full-width digits": lambda url: url.replace("1", "\uff11"),
    "with a full-width dot": lambda url: url.replace(".", "\uff0e"),
    "with an ideographic dot": lambda url: url.replace(".", "\u3002"),
    "with a soft hyphen": lambda url: f"{url}\u00ad",
    "with a zero-width space": lambda url: f"{url}\u200b",
    "with a byte order mark": lambda url: f"\ufeff{url}",
    "with a lone surrogate": lambda url: f"{url}\udc80",
}


def _issuer(reason: Reason, change: Callable[[str], str]) -> Case:
    return Case("T16", reason, lambda world: world.token(claims={"iss": change(world.issuer.issuer)}), cold=True)


def _evil(world: World) -> str:
    return world.token(claims={"iss": world.evil.issuer})


def _self_issued(world: World) -> str:
    claims = {"iss": "https://self-issued.me", "sub_jwk": world.evil.key.jwk()}
    return world.token(claims=claims, key=world.evil.key)


CASES: dict[str, Case] = {
    **{
        f"iss that is {what}": Case("T15", Reason.MALFORMED_TOKEN, claiming(iss=value), cold=True)
        for what, value in {**NO_TEXT, "gone": GONE}.items()
    },
    **{f"iss {what}": _issuer(Reason.UNKNOWN_ISSUER, change) for what, change in ISSUERS.items()},
    **{f"iss {what}": _issuer(Reason.MALFORMED_TOKEN, change) for what, change in BAD_ISSUERS.items()},
    "iss of the evil issuer": Case("T3", Reason.UNKNOWN_ISSUER, _evil, cold=True),
    "iss and key of the evil issuer": Case("T3", Reason.UNKNOWN_ISSUER, lambda world: world.evil.token(), cold=True),
    "iss of a self-issued token": Case("T3", Reason.UNKNOWN_ISSUER, _self_issued, cold=True),
    "iss of ours and key of the evil issuer's": Case(
        "T2", Reason.SIGNATURE, lambda world: world.evil.token({"iss": world.issuer.issuer})
    ),
    "kid of the evil issuer's alone": Case("T2", Reason.UNKNOWN_KEY, lambda world: world.token({"kid": "evil-1"})),
}
