"""GitHub Actions: a job's ID token is asked for over HTTP, with the audience in the query.

Source: "About security hardening with OpenID Connect", docs.github.com.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from vendor.client.address import parse_address
from vendor.client.refusals import Refused, UsageError

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vendor.client.address import Address
    from vendor.client.answer import Answer


def ask_github(environ: Mapping[str, str], *, ask: Callable[[Address, str, dict[str, str]], Answer]) -> str:
    """Return the job's ID token for the audience VENDOR_AUDIENCE (`vendor` when it is not set).

    `ask` takes an address, a target and headers. Raises UsageError, Refused or Unreachable.
    """
    address = parse_address(environ["ACTIONS_ID_TOKEN_REQUEST_URL"], name="ACTIONS_ID_TOKEN_REQUEST_URL")
    bearer = environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"].strip()
    if not re.fullmatch(r"[!-~]+", bearer):
        raise UsageError("ACTIONS_ID_TOKEN_REQUEST_TOKEN holds characters that no header has")
    audience = urlencode({"audience": environ.get("VENDOR_AUDIENCE") or "vendor"})
    query = f"{address.query}&{audience}" if address.query else audience
    answer = ask(address, f"{address.path or '/'}?{query}", {"Authorization": f"Bearer {bearer}"})
    value = answer.members.get("value")
    if answer.status != 200 or not isinstance(value, str):  # noqa: PLR2004  # OK
        raise Refused("token_unavailable", f"GitHub Actions gave no ID token (HTTP {answer.status} from {address})")
    return value
