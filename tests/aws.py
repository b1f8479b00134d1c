"""AWS's SDK, that has read its models once: they are a megabyte of JSON, and each session would read its own."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aiobotocore.session import get_session

if TYPE_CHECKING:
    from aiobotocore.session import AioSession


@cache
def _loader() -> Any:
    return get_session().get_component("data_loader")


def session() -> AioSession:
    """Return a session of its own."""
    made = get_session()
    made.register_component("data_loader", _loader())
    return made
