"""The tiny client: asks the service for credentials, with the standard library and nothing else.

    token.py        where is the workload's own token? (github.py: a job's)
    address.py      where is the service, and through which proxy?
    wire.py         one request, one answer, nothing trusted
    retry.py        again, inside one deadline
    credentials.py  is the answer what it should be? (scope.py, console.py, identity.py: other answers)
    client.py       in what order?
    command.py      `vend`: options.py is what can be typed, printing.py, shell.py and completion.py what is printed
    kept.py         what `vend process` keeps on disk; profile.py what `vend file` keeps fresh (alone.py: one at a time)
    aio.py          the same for asyncio; botocore.py, sessions.py for boto3, botocore, aiobotocore and fsspec
    execution.py    `vend exec`; agent/ is what serves credentials on this machine, for it and for `vend agent`

Nothing here imports the rest of the package: the client must start quickly and fit in one file.
"""

from __future__ import annotations

from vendor.client.client import Client
from vendor.client.credentials import Credentials
from vendor.client.refusals import (
    AccessDenied,
    ExpiredToken,
    InvalidRequest,
    InvalidToken,
    OwnerMustAct,
    Passing,
    RateLimited,
    Refused,
    Revoked,
    ScopeRequired,
    Unavailable,
    Unreachable,
    UsageError,
    ValueNotAllowed,
)

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from vendor.client.aio import AsyncClient
    from vendor.client.botocore import install
    from vendor.client.sessions import aiobotocore_session, boto3_session, botocore_session, storage_options

_LATER = {
    "AsyncClient": "aio",
    "aiobotocore_session": "sessions",
    "boto3_session": "sessions",
    "botocore_session": "sessions",
    "install": "botocore",
    "storage_options": "sessions",
}

__all__ = [
    "AccessDenied",
    "AsyncClient",
    "Client",
    "Credentials",
    "ExpiredToken",
    "InvalidRequest",
    "InvalidToken",
    "OwnerMustAct",
    "Passing",
    "RateLimited",
    "Refused",
    "Revoked",
    "ScopeRequired",
    "Unavailable",
    "Unreachable",
    "UsageError",
    "ValueNotAllowed",
    "aiobotocore_session",
    "boto3_session",
    "botocore_session",
    "install",
    "storage_options",
]


def __getattr__(name: str) -> object:
    """Load what a short start cannot afford when it is first asked for."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415

    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
