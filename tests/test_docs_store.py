"""What docs/operations.md says of the shared store is so: configuration, keys, and what its user needs."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.config.sound import changed, loaded
from tests.fakes.valkey import HOST, Valkey
from tests.redis.test_places import server_at, with_valkey, works
from tests.service import ROOT
from vendor.config import shape
from vendor.credentials import Secret
from vendor.leases.store import StoreError
from vendor.redis.board import RedisBoard
from vendor.redis.client import Place
from vendor.redis.division import RedisDivision

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
SECTION = PAGE[PAGE.index("\n## Shared store\n") :]
(YAML,) = re.findall(r"```yaml\n(store:\n.*?)```", SECTION, re.DOTALL)
(MAKE_KEY,) = re.findall(r"```sh\n(openssl .*?)\n```", SECTION)
(USER,) = re.findall(r"^ACL SETUSER .+$", SECTION, re.MULTILINE)


def test_the_configuration_that_is_shown_loads_with_keys_made_as_shown(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    for name in ("2026-11", "2026-05"):
        command = MAKE_KEY.replace("2026-11", name)
        subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 - the document's
    (tmp_path / "redis-password").write_text("CANARY p@ss/word\n")
    (tmp_path / "redis-ca.pem").write_text("")
    store = loaded(tmp_path, changed("version: 1\n", f"version: 1\n{YAML}")).store
    assert store
    assert (store.user, store.password, store.database) == ("vendor", "CANARY p@ss/word", 0)
    assert [name for name, _ in store.keys] == ["2026-11", "2026-05"]


def test_every_key_of_a_store_is_told_of() -> None:
    table = SECTION[SECTION.index("| key | what |") : SECTION.index("**Nothing in the store")]
    told = set(re.findall(r"`([a-z_]+)(?:[`:])", table))
    assert set(shape.Redis.model_fields) <= told


@with_valkey
async def test_the_user_that_is_shown_can_do_all_that_is_done_and_nothing_else() -> None:
    async with Valkey() as server, server.client() as admin:
        command = shlex.split(USER.replace(">PASSWORD", ">CANARY"))
        await admin.execute_command(*command)  # type: ignore[no-untyped-call]
        place = Place(nodes=((HOST, server.port),), user="vendor", password=Secret("CANARY"))
        async with server_at(place) as asked:
            assert await RedisDivision(asked).divide("aws", wanted=1, lasts=5) == (1, 1)
            await works(asked)
            for refused in (("KEYS", "*"), ("FLUSHALL",), ("GET", "another:key"), ("CONFIG", "GET", "*")):
                with pytest.raises(StoreError, match="NoPermission"):
                    await asked.ask("attack", *refused)
                await works(asked)  # three failures in a row, and it would be let alone


@with_valkey
async def test_a_user_who_may_do_less_cannot_do_all() -> None:
    async with Valkey() as server, server.client() as admin:
        command = shlex.split(USER.replace(">PASSWORD", ">CANARY").replace(" +publish", ""))
        await admin.execute_command(*command)  # type: ignore[no-untyped-call]
        place = Place(nodes=((HOST, server.port),), user="vendor", password=Secret("CANARY"))
        async with server_at(place) as asked:
            with pytest.raises(StoreError, match="NoPermission"):
                await RedisBoard(asked, "revocations").pin("a", b"raw", seconds=5)
