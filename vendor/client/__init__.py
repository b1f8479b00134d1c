"""The tiny client: asks the service for credentials, with the standard library and nothing else.

    token.py        where is the workload's own token?
    address.py      where is the service, and through which proxy?
    wire.py         one request, one answer, nothing trusted
    retry.py        again, inside one deadline
    credentials.py  is the answer what it should be?
    client.py       in what order?
    command.py      `vend`, with shell.py for its export lines

Nothing here imports the rest of the package: the client must start quickly and fit in one file.
"""

from __future__ import annotations

from vendor.client.client import Client
from vendor.client.credentials import Credentials
from vendor.client.refusals import Refused, Unreachable, UsageError

__all__ = ["Client", "Credentials", "Refused", "Unreachable", "UsageError"]
