"""A JWKS read with distrust: each key is taken or dropped by itself, and never the whole set for one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vendor.identity import jwk
from vendor.identity.jwk import Dropped, Unfit
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from vendor.identity.authentication import VerificationKey

MOST_KEYS: Final = 100
"""Keys of the largest set that is read."""
LONGEST: Final = 256 * 1024
"""Bytes of the largest set that is read."""
SIGNATURES: Final = frozenset({"sig"})
"""The uses of keys that sign tokens (RFC 7517 section 4.2)."""
SPIFFE: Final = frozenset({"sig", "jwt-svid"})
"""The uses of keys that sign tokens in a SPIFFE bundle, which holds X.509 authorities too (JWT-SVID section 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The usable keys of a set by key id, and why each other one was dropped."""

    keys: Mapping[str, VerificationKey]
    dropped: tuple[Dropped, ...]


class KeySetError(ValueError):
    """A document that is no JWKS of a size that is read, or holds no usable key but these dropped ones."""

    def __init__(self, detail: str, dropped: tuple[Dropped, ...] = ()) -> None:
        super().__init__(detail)
        self.dropped = dropped


def parse(raw: bytes, algorithms: tuple[str, ...], uses: AbstractSet[str] = SIGNATURES) -> KeySet:
    """Read a JWKS (RFC 7517 section 5) for an issuer that signs with one of `algorithms` by keys of these `uses`.

    Raises KeySetError.
    """
    published: dict[str, list[VerificationKey]] = {}
    dropped: list[Dropped] = []
    for member in _members(raw):
        outcome = jwk.read(member, algorithms, uses)
        if isinstance(outcome, Dropped):
            dropped.append(outcome)
        else:
            _add(published.setdefault(outcome[0], []), outcome[1])
    for same in published.values():
        dropped += [Dropped(Unfit.AMBIGUOUS, "its kid stands twice")] * (len(same) if len(same) > 1 else 0)
    keys = {key_id: same[0] for key_id, same in published.items() if len(same) == 1}
    if not keys:
        raise KeySetError("; ".join(("no usable key", *_details(dropped))), tuple(dropped))
    return KeySet(keys=keys, dropped=tuple(dropped))


def count(dropped: tuple[Dropped, ...]) -> dict[str, int]:
    """Return how many keys were dropped for each reason, also for those that no key was dropped for."""
    counted = Counter(one.reason for one in dropped)
    return {reason.value: counted[reason] for reason in Unfit}


def told(dropped: Sequence[Dropped]) -> str:
    """Return the details for operators."""
    return "; ".join(_details(dropped))


def _details(dropped: Sequence[Dropped]) -> tuple[str, ...]:
    """Return the first few different details: a hostile set could have a hundred."""
    return tuple(dict.fromkeys(one.detail for one in dropped))[:5]


def _add(same: list[VerificationKey], key: VerificationKey) -> None:
    """Add a key to those of its id, unless it is one of them: what is published twice over is still one key."""
    if key not in same:
        same.append(key)


def _members(raw: bytes) -> list[Any]:
    if len(raw) > LONGEST:
        raise KeySetError("the document is larger than 256 KiB")
    try:
        document = read_object(raw)
    except StrictJSONError as exc:
        raise KeySetError(f"the document is no key set: {exc}") from exc
    members = document.get("keys")
    if not isinstance(members, list):
        raise KeySetError("the document has no list of keys")
    if len(members) > MOST_KEYS:
        raise KeySetError(f"the document holds more than {MOST_KEYS} keys")
    return members
