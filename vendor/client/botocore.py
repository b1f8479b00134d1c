"""Credential providers for botocore and aiobotocore, and profiles that name a scope.

What they need is imported when they are called: nothing else of this package does.
"""

from __future__ import annotations

import threading
from typing import Any

from vendor.client.agent.held import Held
from vendor.client.agent.vending import Wish
from vendor.client.aio import in_thread
from vendor.client.client import Client
from vendor.client.deadline import DURATIONS, Clock, read_duration
from vendor.client.refusals import UsageError

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.client.credentials import Credentials

METHOD = "vendor"
_LONGEST = 60.0  # seconds that botocore waits for credentials it cannot do without: the client's own time-out is less


class Source:
    """What a session asks for its credentials: held, shared by its threads, renewed when the service says so."""

    def __init__(self, client: Client, wish: Wish) -> None:
        def fetch() -> Credentials:
            return client.ask(wish.scope, parameters=wish.parameters, duration=wish.seconds)

        self._held = Held(fetch, clock=Clock(), room=threading.BoundedSemaphore(1))

    def metadata(self) -> dict[str, str | None]:
        """Return credentials as botocore's refreshers do. Raises Refused, Unreachable or UsageError."""
        had = self._held.get(_LONGEST)
        return {
            "access_key": had.access_key_id,
            "secret_key": had.secret_access_key,
            "token": had.session_token,
            "expiry_time": had.expiration.isoformat(),
            "account_id": had.account_id,
        }


class Provider:
    """A credential provider of botocore; asks nothing until the first request is signed."""

    METHOD = METHOD
    CANONICAL_NAME = "Vendor"

    def __init__(self, source: Source) -> None:
        self._source = source

    def load(self) -> Any:
        """Return botocore credentials that renew themselves."""
        from botocore.credentials import DeferredRefreshableCredentials  # noqa: PLC0415  # see above

        return DeferredRefreshableCredentials(refresh_using=self._source.metadata, method=METHOD)


class AioProvider:
    """A credential provider of aiobotocore; asks nothing until the first request is signed."""

    METHOD = METHOD
    CANONICAL_NAME = "Vendor"

    def __init__(self, source: Source) -> None:
        self._source = source

    async def load(self) -> Any:
        """Return aiobotocore credentials that renew themselves."""
        from aiobotocore.credentials import AioDeferredRefreshableCredentials  # noqa: PLC0415  # see above

        async def metadata() -> dict[str, str | None]:
            return await in_thread(self._source.metadata)

        return AioDeferredRefreshableCredentials(refresh_using=metadata, method=METHOD)


class ProfileProvider:
    """Provides for profiles with `vendor_scope`, in place of others that stand in the same profile.

    In the chain it leaves a profile alone that names a `credential_source`: there it is asked as that source, by the
    name `Vendor`, and the role of the profile assumed with what it provides.
    """

    METHOD = METHOD
    CANONICAL_NAME = "Vendor"

    def __init__(self, session: Any, provider: type[Provider | AioProvider], *, as_source: bool) -> None:
        self._session = session
        self._provider = provider
        self._as_source = as_source

    def load(self) -> Any:
        """Return credentials, or a coroutine of them for aiobotocore; none for a profile without `vendor_scope`."""
        profile = self._session.get_scoped_config()
        if "vendor_scope" not in profile or ("credential_source" in profile and not self._as_source):
            return _nothing() if self._provider is AioProvider else None
        return self._provider(_source_of(profile)).load()


async def _nothing() -> None:
    return None


def _source_of(profile: Mapping[str, str]) -> Source:
    client = Client(
        profile.get("vendor_url"),
        token_file=profile.get("vendor_token_file"),
        ca_file=profile.get("vendor_ca_file"),
    )
    pairs = [pair.partition("=") for pair in profile.get("vendor_parameters", "").split()]
    if not all(name and equals for name, equals, _ in pairs):
        raise UsageError("vendor_parameters reads name=value name=value")
    seconds = read_duration(profile["vendor_duration"]) if "vendor_duration" in profile else None
    if "vendor_duration" in profile and seconds is None:
        raise UsageError(f"vendor_duration reads {DURATIONS}")
    scope = client.scope_or_default(profile["vendor_scope"])
    return Source(client, Wish(scope, {name: value for name, _, value in pairs}, seconds))


def install(session: Any) -> None:
    """Make a session of botocore, aiobotocore or boto3 understand profiles like this one.

        [profile reports]
        vendor_scope = reports:read
        vendor_url = https://vendor.example.com
        vendor_parameters = month=2026-03

    There are `vendor_token_file`, `vendor_ca_file` and `vendor_duration` too; what is not given is found as `Client`
    finds it. A profile with `role_arn` and `credential_source = Vendor` assumes that role with the scope's credentials.
    """
    session = getattr(session, "_session", session)  # boto3's holds botocore's
    resolver = session.get_component("credential_provider")
    kind = AioProvider if type(resolver).__module__.startswith("aiobotocore") else Provider
    chained = ProfileProvider(session, kind, as_source=False)
    if any(each.METHOD == "env" for each in resolver.providers):
        resolver.insert_after("env", chained)
    else:  # a profile was named aloud, and goes before the environment
        resolver.providers.insert(0, chained)
    for each in resolver.providers:
        sources = getattr(getattr(each, "_credential_sourcer", None), "_providers", None)
        if sources is not None:
            sources.append(ProfileProvider(session, kind, as_source=True))


def awscli_initialize(event_hooks: Any) -> None:
    """Make the AWS CLI understand such profiles: `vendor = vendor.client.botocore` under `[plugins]` in its config."""

    def initialized(session: Any, **_: Any) -> None:
        install(session)

    event_hooks.register("session-initialized", initialized)
