"""Sessions of boto3, botocore and aiobotocore, and options for fsspec, that renew their credentials by themselves.

What they need is imported when they are called, as in botocore.py.
"""

from __future__ import annotations

import contextlib
from typing import Any

from vendor.client.agent.vending import Wish
from vendor.client.botocore import AioProvider, Provider, Source
from vendor.client.client import Client

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta
    from os import PathLike


def boto3_session(
    scope: str | None = None,
    *,
    url: str | None = None,
    token_file: str | PathLike[str] | None = None,
    ca_file: str | PathLike[str] | None = None,
    client: Client | None = None,
    duration: timedelta | int | None = None,
    region_name: str | None = None,
    **parameters: str,
) -> Any:
    """Return a `boto3.Session` whose clients sign with a scope's credentials, renewed by themselves.

    What says where the service is and who asks is Client's, or give a `client`. A refusal is raised by the first call
    that has to be signed: Refused, Unreachable or UsageError.
    """
    with _needing("boto3"):
        import boto3  # noqa: PLC0415  # see above

    asking = client or Client(url, token_file=token_file, ca_file=ca_file)
    session = botocore_session(scope, client=asking, duration=duration, **parameters)
    return boto3.Session(botocore_session=session, region_name=region_name)


def botocore_session(
    scope: str | None = None,
    *,
    client: Client | None = None,
    duration: timedelta | int | None = None,
    **parameters: str,
) -> Any:
    """Return a botocore session with a scope's credentials and no others; see boto3_session."""
    with _needing("botocore"):
        from botocore.credentials import CredentialResolver  # noqa: PLC0415  # see above
        from botocore.session import Session  # noqa: PLC0415

    session = Session()
    source = _source(client, scope, duration, parameters)
    session.register_component("credential_provider", CredentialResolver([Provider(source)]))
    return session


def aiobotocore_session(
    scope: str | None = None,
    *,
    client: Client | None = None,
    duration: timedelta | int | None = None,
    **parameters: str,
) -> Any:
    """Return an aiobotocore session with a scope's credentials and no others; see boto3_session."""
    with _needing("aiobotocore"):
        from aiobotocore.credentials import AioCredentialResolver  # noqa: PLC0415  # see above
        from aiobotocore.session import AioSession  # noqa: PLC0415

    session = AioSession()
    source = _source(client, scope, duration, parameters)
    session.register_component("credential_provider", AioCredentialResolver([AioProvider(source)]))
    return session


def storage_options(
    scope: str | None = None,
    *,
    client: Client | None = None,
    duration: timedelta | int | None = None,
    **parameters: str,
) -> dict[str, Any]:
    """Return options for s3fs, and so for pandas, dask and all that takes fsspec's `storage_options`.

    They hold a session of this process: another process makes its own.
    """
    return {"session": aiobotocore_session(scope, client=client, duration=duration, **parameters)}


@contextlib.contextmanager
def _needing(library: str) -> Iterator[None]:
    """Tell who has not installed what a session is of how to."""
    try:
        yield
    except ModuleNotFoundError as exc:
        raise ModuleNotFoundError(f"this needs {library}: pip install {library}", name=exc.name) from exc


def _source(
    client: Client | None, scope: str | None, duration: timedelta | int | None, parameters: dict[str, str]
) -> Source:
    asking = client or Client()
    seconds = int(duration.total_seconds()) if not isinstance(duration, int | None) else duration
    return Source(asking, Wish(asking.scope_or_default(scope), parameters, seconds))
