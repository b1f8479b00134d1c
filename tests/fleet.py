"""A fleet: replicas as processes that share a real store, between one fake issuer and one fake STS."""

from __future__ import annotations

import base64
import json
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from typing import TYPE_CHECKING, Any, Self

from tests.fakes.between import Between
from tests.fakes.issuer import Issuer
from tests.fakes.sts import STS
from tests.fakes.valkey import Valkey
from tests.service import CONFIGURATION, ready, served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.service import Served

STORE = 'store: {{redis: {{url: "{store}", encryption_keys: [{{id: k1, file: "{folder}/k1"}}]}}}}\n'
SHARING = CONFIGURATION.replace("issuers:\n", STORE + "issuers:\n")


class Fleet:
    """Replicas of one service; each asks the store through a proxy of its own in `between`, or straight.

    Replicas and store are begun `under` a context, which says on which processors; `server` is the store's program.
    """

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int = 2,
        configuration: str = SHARING,
        straight: bool = False,
        under: Callable[[], AbstractContextManager[None]] = nullcontext,
        environ: Mapping[str, str] | None = None,
        server: str | None = None,
    ) -> None:
        self.folder = folder
        self._environ = environ
        self._count = replicas
        self.configuration = configuration
        self._straight = straight
        self._under = under
        self.issuer = Issuer()
        self.sts = STS()
        self.store = Valkey(binary=server)
        self.between: list[Between] = []
        self.replicas: list[Served] = []
        self._stack = AsyncExitStack()

    @property
    def folders(self) -> list[Path]:
        """Where each replica has its configuration, its audit file and its stdout."""
        return [self.folder / f"replica-{number}" for number in range(len(self.replicas))]

    def audit(self, replica: int) -> list[dict[str, Any]]:
        """Return the exchanges in the audit file of a replica."""
        lines = map(json.loads, (self.folders[replica] / "audit.jsonl").read_text().splitlines())
        return [line for line in lines if line["event"] == "exchange"]

    def token(self, account: str = "reporter", *, namespace: str = "analytics") -> str:
        """Return a good token of a service account."""
        bound = {"namespace": namespace, "serviceaccount": {"name": account, "uid": "u-1"}}
        return self.issuer.token({"sub": f"system:serviceaccount:{namespace}:{account}", "kubernetes.io": bound})

    def operator(self) -> str:
        """Return a good token of an operator."""
        return self.token("vendor-operator", namespace="platform")

    def text(self, number: int) -> str:
        """Return the configuration of a replica."""
        folder = self.folder / f"replica-{number}"
        return self.configuration.format(
            audit=folder / "audit.jsonl",
            issuer=self.issuer.issuer,
            sts=self.sts.url,
            store=self.store.url if self._straight else f"redis://127.0.0.1:{self.between[number].port}",
            folder=self.folder,
        )

    async def begin(self) -> Served:
        """Begin another replica."""
        number = len(self.replicas)
        folder = self.folder / f"replica-{number}"
        folder.mkdir()
        if not self._straight:
            self.between.append(await self._stack.enter_async_context(Between(self.store.port)))
        with self._under():
            replica = await self._stack.enter_async_context(
                served(self.text(number), folder, environ=self._environ, operator=self.operator)
            )
        self.replicas.append(replica)
        if self.issuer.fault is None:
            await ready(replica)
        return replica

    async def __aenter__(self) -> Self:
        (self.folder / "k1").write_bytes(base64.b64encode(b"CANARY-key-of-the-store-32-bytes"))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.issuer)
            await stack.enter_async_context(self.sts)
            with self._under():
                await stack.enter_async_context(self.store)
            self._stack = stack.pop_all()
        for _ in range(self._count):
            await self.begin()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
