"""Call: one request to STS as an action makes it. Where it is sent, when and how often is not its business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials

T_co = TypeVar("T_co", covariant=True)


class Call(Protocol[T_co]):
    """What one action asks of STS, and how its answer reads."""

    action: str
    """The operation by the name that the API reference has for it; also the label of metrics."""
    account: str
    """The account that is asked, twelve digits, or nothing where that is not known."""
    signed: bool
    """Whether it is signed at all; what brings a proof of its own is not."""
    signer: Credentials | None
    """Whose signature it bears, None for that of the service itself."""

    def write(self, now: datetime) -> Mapping[str, Any]:
        """Return the members as the API reference nests them, without those that are not there.

        It is called anew for each attempt, as what must end at a fixed moment becomes shorter. Raises Refusal.
        """
        ...

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> T_co:
        """Return what a whole answer to these members says.

        Raises StsUnavailable with reason `bad_answer` for one that is not to be believed.
        """
        ...
