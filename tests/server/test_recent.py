"""What the page remembers of the latest exchanges."""

from __future__ import annotations

import gc
import weakref

from tests.made import entry, issued
from vendor.refusals import InvalidRequest, Reason
from vendor.server.page.recent import Recent


class Body:
    """What somebody sent, a token in it."""


def _failed(recent: Recent) -> weakref.ref[Body]:
    """Have a refusal remembered that came of a body, and return whether that is still there."""
    body = Body()
    try:
        try:
            int("no number")
        except ValueError as exc:
            raise InvalidRequest(Reason.MALFORMED_REQUEST) from exc
    except InvalidRequest as refusal:
        recent.observe(entry(refusal=refusal))
        refusal.__traceback__ = None  # as the listener does
    return weakref.ref(body)


def test_what_was_refused_is_remembered_without_what_was_sent_t23() -> None:
    recent = Recent()
    recent.observe(issued())
    body = _failed(recent)
    gc.collect()
    assert body() is None
    assert sorted(one.outcome for one in recent.latest()) == ["issued", "refused"]
