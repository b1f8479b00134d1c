"""Signatures: Signature Version 4 of a request, judged with a secret that we handed out.

Source: "Create a signed AWS API request" in the IAM user guide.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from vendor.credentials import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multidict import CIMultiDictProxy

SKEW: Final = timedelta(minutes=15)
"""How far a signature's time may lie from ours."""
LONGEST_PRESIGNED: Final = 604_800
"""Seconds for which a request can be signed in advance."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_CREDENTIAL: Final = re.compile(
    r"(?P<key>[A-Za-z0-9]{4,128})/(?P<date>[0-9]{8})/(?P<region>[a-z0-9-]{1,64})/sts/aws4_request", re.ASCII
)
_HEADERS: Final = re.compile(r"[a-z0-9-]+(;[a-z0-9-]+)*", re.ASCII)
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOMENT: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z", re.ASCII)
_SECONDS: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


class SignatureError(ValueError):
    """A signature that is not written as one is; the message says what is wrong and shows nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A request as it was signed: its parts as they came over the wire, and what its signature says of itself.

    `query` has the members of the query as they were decoded, but for the signature itself.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: CIMultiDictProxy[str]
    body: bytes
    access_key_id: str
    session_token: Secret
    region: str
    moment: str
    signed_headers: tuple[str, ...]
    signature: str
    lasts: timedelta | None

    def is_by(self, secret: Secret) -> bool:
        """Tell whether the signature was made with this secret, in constant time."""
        key = f"AWS4{secret.reveal()}".encode()
        for part in (self.moment[:8], self.region, "sts", "aws4_request", self._to_sign()):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.compare_digest(key.hex(), self.signature)

    def is_of(self, now: datetime) -> bool:
        """Tell whether the signature holds at this moment; signed in advance, it holds for as long as it says."""
        age = now - datetime.strptime(self.moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return -SKEW <= age <= (SKEW if self.lasts is None else self.lasts)

    def _to_sign(self) -> str:
        scope = f"{self.moment[:8]}/{self.region}/sts/aws4_request"
        return "\n".join((_ALGORITHM, self.moment, scope, hashlib.sha256(_bytes(self._canonical())).hexdigest()))

    def _canonical(self) -> str:
        """Return the canonical request; the path is encoded twice, as everywhere but at S3."""
        pairs = sorted((_encoded(name), _encoded(value)) for name, value in self.query.items())
        headers = "".join(f"{name}:{self._header(name)}\n" for name in self.signed_headers)
        return "\n".join(
            (
                self.method,
                quote(_bytes(self.path), safe="/-_.~"),
                "&".join(f"{name}={value}" for name, value in pairs),
                headers,
                ";".join(self.signed_headers),
                hashlib.sha256(self.body).hexdigest(),
            )
        )

    def _header(self, name: str) -> str:
        return ",".join(" ".join(value.split()) for value in self.headers.getall(name, []))


def read_signed(
    *, method: str, path: str, query: Mapping[str, str], headers: CIMultiDictProxy[str], body: bytes
) -> Signed | None:
    """Return a request as it was signed, in its header or in its query; None if it was not signed at all.

    Raises SignatureError.
    """
    said, moment, token = _said(headers, query)
    if said is None:
        return None
    credential = _CREDENTIAL.fullmatch(said.get("Credential", ""))
    names, signature, lasts = said.get("SignedHeaders", ""), said.get("Signature", ""), said.get("Expires")
    if credential is None or not _HEADERS.fullmatch(names) or not _SIGNATURE.fullmatch(signature):
        raise SignatureError("Credential (for the service sts), SignedHeaders and Signature must be there and whole")
    if "host" not in names.split(";"):
        raise SignatureError("Host must be among the signed headers")
    if not _is_moment(moment) or moment[:8] != credential["date"]:
        raise SignatureError("X-Amz-Date must be there, and of the day that Credential names")
    return Signed(
        method=method,
        path=path,
        query={name: value for name, value in query.items() if name != "X-Amz-Signature"},
        headers=headers,
        body=body,
        access_key_id=credential["key"],
        session_token=Secret(token),
        region=credential["region"],
        moment=moment,
        signed_headers=tuple(names.split(";")),
        signature=signature,
        lasts=None if lasts is None else _lasts(lasts),
    )


def _said(headers: CIMultiDictProxy[str], query: Mapping[str, str]) -> tuple[Mapping[str, str] | None, str, str]:
    """Return the parts of the signature, its time and the session token beside it."""
    if "X-Amz-Algorithm" in query:
        if query["X-Amz-Algorithm"] != _ALGORITHM or "Authorization" in headers:
            raise SignatureError(f"a request is signed once, with {_ALGORITHM}")
        said = {name.removeprefix("X-Amz-"): value for name, value in query.items()}
        return {"Expires": "", **said}, query.get("X-Amz-Date", ""), query.get("X-Amz-Security-Token", "")
    sent = headers.getall("Authorization", [])
    if not sent:
        return None, "", ""
    algorithm, _, rest = sent[0].strip().partition(" ")
    if len(sent) > 1 or algorithm != _ALGORITHM:
        raise SignatureError(f"a request is signed once, with {_ALGORITHM}")
    parts = [part.strip().partition("=") for part in rest.split(",")]
    said = {name: value for name, _, value in parts if name in {"Credential", "SignedHeaders", "Signature"}}
    return said, headers.get("X-Amz-Date", ""), headers.get("X-Amz-Security-Token", "")


def _is_moment(text: str) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return True


def _lasts(seconds: str) -> timedelta:
    if not _SECONDS.fullmatch(seconds) or int(seconds) > LONGEST_PRESIGNED:
        raise SignatureError(f"X-Amz-Expires must be a number of seconds up to {LONGEST_PRESIGNED}")
    return timedelta(seconds=int(seconds))


def _encoded(text: str) -> str:
    return quote(_bytes(text), safe="-_.~")


def _bytes(text: str) -> bytes:
    """Return what came over the wire, also what was no UTF-8 there."""
    return text.encode(errors="surrogateescape")
