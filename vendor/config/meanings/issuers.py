"""Meanings of codes about issuers."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

ISSUERS: Final = {
    Code.SAME_ISSUER: Meaning(
        "two issuers with one URL",
        why="Nobody could tell their tokens apart, so the rules of one would hold for the other's workloads.",
        mend="Keep one. Clusters that share a default issuer need an issuer URL each.",
    ),
    Code.BAD_URL: Meaning(
        "a URL that cannot be fetched as it stands",
        why="What clients read in different ways can lead some of them elsewhere.",
        mend="Write `https://`, a host and a path; no user, blank or fragment, and a query only in `keys.url`.",
    ),
    Code.PLAIN_HTTP: Meaning(
        "plain http to another machine",
        why="Whoever stands between could put in keys of their own and with them make any token.",
        mend="Use https; `ca_file` names a CA of your own.",
    ),
    Code.PLAIN_LOOPBACK: Meaning(
        "plain http to this machine, not allowed in words",
        why="Any process of this machine could answer there; that is to be said aloud.",
        mend="Add `allow_private_addresses: true` to the issuer, or use https.",
    ),
    Code.ISSUER_CHARACTERS: Meaning(
        "an issuer of other than printable ASCII",
        why="It is compared byte for byte with `iss`; what looks alike may differ.",
        mend="Write it exactly as the tokens have it.",
    ),
    Code.ALGORITHM: Meaning(
        "an algorithm that is not taken from this kind of issuer",
        why="Symmetric ones and `none` would let whoever knows a public key make tokens.",
        mend="Write those that the issuer signs with, of the list that is told.",
    ),
    Code.TRUST_DOMAIN: Meaning(
        "no name of a trust domain",
        why="It would match no SPIFFE ID, so that no token would be taken.",
        mend="Write the domain alone, such as `example.org`.",
    ),
    Code.PASSED_OVER: Meaning(
        "a key that has no effect on this issuer",
        why="Somebody may count on it.",
        mend="Leave it out, or change the kind or the keys of the issuer to those that it is for.",
    ),
    Code.TIME_OUT_OF_BOUNDS: Meaning(
        "a time beyond its bounds",
        why="Too short refuses good tokens, too long keeps stolen tokens and withdrawn keys alive.",
        mend="Write one within the bounds that are told.",
    ),
    Code.NO_JWKS: Meaning(
        "a key file without keys",
        why="No token of the issuer could ever be verified.",
        mend='Write a JWKS: `{"keys": [...]}`, with one public key at least.',
    ),
    Code.OWN_ATTRIBUTE: Meaning(
        "an extra attribute by the name of one that the kind has",
        why="One name would stand for two claims.",
        mend="Give the extra attribute another name.",
    ),
}
