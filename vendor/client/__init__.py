"""The tiny client: asks the service for credentials, with the standard library and nothing else.

    token.py        where is the workload's own token? (github.py: a job's)
    address.py      where is the service, and through which proxy?
    wire.py         one request, one answer, nothing trusted
    retry.py        again, inside one deadline
    credentials.py  is the answer what it should be? (scope.py, console.py: other answers)
    client.py       in what order?
    command.py      `vend`: options.py is what can be typed, printing.py, shell.py and completion.py what is printed
    kept.py         what `vend process` keeps on disk; profile.py what `vend file` keeps fresh
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

__all__ = [
    "AccessDenied",
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
]
