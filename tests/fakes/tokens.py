"""Writes JWTs member by member, honest and hostile alike, without any library's checks in the way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from tests import canaries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.keys import SigningKey


def encode(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def write(members: Mapping[str, Any]) -> bytes:
    """Return members as compact JSON; those whose value is None are left out."""
    kept = {name: value for name, value in members.items() if value is not None}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def signed(header: bytes, payload: bytes, *, key: SigningKey) -> str:
    """Return header and payload, whatever their bytes, under a good signature of `key`."""
    message = f"{encode(header)}.{encode(payload)}"
    token = f"{message}.{encode(key.sign(message.encode()))}"
    canaries.plant(token)
    return token


def unsigned(header: Mapping[str, Any], payload: bytes) -> str:
    """Return a token of algorithm `none`: two segments and an empty third (RFC 7515 appendix A.5)."""
    return f"{encode(write({**header, 'alg': 'none'}))}.{encode(payload)}."


def hmac_confused(header: Mapping[str, Any], payload: bytes, *, key: SigningKey) -> str:
    """Return an HS256 token whose secret is the public key's PEM (CVE-2015-9235)."""
    message = f"{encode(write({**header, 'alg': 'HS256'}))}.{encode(payload)}"
    mac = hmac.new(key.public_pem(), message.encode(), hashlib.sha256).digest()
    return f"{message}.{encode(mac)}"


def twice(payload: Mapping[str, Any], name: str, first: Any) -> bytes:
    """Return the payload with `name` standing twice: `first`, then its own value."""
    return b"{" + write({name: first})[1:-1] + b"," + write(payload)[1:]


def tampered(token: str) -> str:
    """Return the token with one bit of its signature turned."""
    head, _, signature = token.rpartition(".")
    raw = bytearray(decode(signature))
    raw[0] ^= 1
    return f"{head}.{encode(bytes(raw))}"
