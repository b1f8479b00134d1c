"""Service accounts as the API server has them, read anew for each pod: who was just annotated means the next one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from vendor.identity.api_server import told
from vendor.identity.fetch import FetchError
from vendor.kubernetes.admission import AccountsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.api_server import ApiServerClient

LONGEST: Final = 1 << 20
"""Bytes of the longest service account that is read: annotations may have 256 KiB, secrets are listed too."""
SECONDS: Final = 2.0
"""How long the API server may take: it waits for us itself."""


class ServiceAccounts:
    """Reads annotations; see `vendor.kubernetes.admission.Accounts`."""

    def __init__(self, client: ApiServerClient) -> None:
        self._client = client

    async def annotations(self, namespace: str, name: str) -> Mapping[str, str]:
        """Return the annotations of a service account, none if there is no such account.

        Raises AccountsError.
        """
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/serviceaccounts/{quote(name, safe='')}"
        try:
            reply = await self._client.read(path, longest=LONGEST, seconds=SECONDS)
        except FetchError as exc:
            raise AccountsError(f"service account {name} cannot be read: {exc}") from exc
        if reply.status == 404:  # noqa: PLR2004 - the pod will be refused for it, but not by us
            return {}
        if reply.status != 200:  # noqa: PLR2004
            raise AccountsError(f"service account {name} cannot be read: {told(reply.status)}")
        return _annotations(name, reply.body)


def _annotations(name: str, body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body)["metadata"].get("annotations") or {}
        return {name: value for name, value in found.items() if isinstance(value, str)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise AccountsError(f"service account {name} cannot be read: the answer is none") from exc
