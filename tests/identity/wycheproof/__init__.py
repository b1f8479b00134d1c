"""Wycheproof's vectors of JSON web signatures and keys (C2SP/wycheproof, Apache-2.0, see LICENSE beside).

Taken from `testvectors_v1` at commit dac1dd4729fd1f8dd9e1e9f3dce51d783da6c166. Left out are the private halves of the
asymmetric keys, the keys of the encrypted tokens, and those of `json_web_crypto` that stand in the other two files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = ("json_web_signature", "json_web_key", "json_web_crypto")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """A token, the keys that are published, and whether Wycheproof takes it."""

    name: str
    text: str
    keys: tuple[dict[str, Any], ...]
    valid: bool

    def key_set(self) -> bytes:
        """Return the published keys as a JWKS, symmetric ones among them as a careless issuer would publish them."""
        return json.dumps({"keys": self.keys}).encode()


def read() -> Iterator[Vector]:
    """Return every vector, named by its file, number and comment."""
    for file in FILES:
        groups = json.loads(Path(__file__).with_name(f"{file}.json").read_text("utf-8"))["testGroups"]
        for group in groups:
            published = group.get("public") or group.get("private") or {"keys": []}
            for test in group["tests"]:
                yield Vector(
                    name=f"{file} {test['tcId']} {test['comment']}",
                    text=_text(test.get("jws", test.get("jwe"))),
                    keys=tuple(published.get("keys", [published])),
                    valid=test["result"] == "valid",
                )


def _text(said: str | dict[str, Any]) -> str:
    return said if isinstance(said, str) else json.dumps(said)


VECTORS = {vector.name: vector for vector in read()}
