"""Sparing: what botocore does anew at every call of a client and need not, taken out of the way of each mint."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus


def spare(client: Any) -> None:
    """Make a client of STS write the body of a request once, find its endpoint once, and count no attempts.

    botocore encodes the body for the signature and again for the wire, and resolves an endpoint that depends on nothing
    but the client's own configuration; its attempts are limited to one, so there is nothing to judge.
    """
    events = client.meta.events
    events.register("before-call.sts.*", _write_body)
    events.unregister("needs-retry.sts", unique_id="retry-config-sts")
    if client._ruleset_resolver is not None:  # noqa: SLF001 - there is no other way to it
        client._ruleset_resolver = _Settled(client._ruleset_resolver)  # noqa: SLF001


class _Settled:
    """An endpoint resolver that asks once for each operation."""

    def __init__(self, resolver: Any) -> None:
        self._resolver = resolver
        self._found: dict[str, Any] = {}

    async def construct_endpoint(self, *, operation_model: Any, call_args: Any, request_context: Any) -> Any:
        name = operation_model.name
        if name not in self._found:
            self._found[name] = await self._resolver.construct_endpoint(
                operation_model=operation_model, call_args=call_args, request_context=request_context
            )
        return self._found[name]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resolver, name)


def _write_body(params: dict[str, Any], **_event: Any) -> None:
    """Encode the form as botocore would (application/x-www-form-urlencoded); names are the model's own."""
    members = params["body"]
    params["body"] = "&".join([f"{name}={quote_plus(str(members[name]))}" for name in members]).encode()
