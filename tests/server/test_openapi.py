"""The documents of both listeners: who may read them, and that they tell of each path and method and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.http import exchange, get, request
from vendor.server import openapi

if TYPE_CHECKING:
    from tests.service import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENTS = {"public": openapi.of_public(), "operators": openapi.of_operators()}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
PATHS = [(listener, path) for listener, document in DOCUMENTS.items() for path in document["paths"]]


def _url(world: World, listener: str) -> str:
    return world.service.public if listener == "public" else world.service.operations


async def test_anybody_may_read_what_the_public_listener_answers(world: World) -> None:
    answer = await get(world.service.public, "/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == DOCUMENTS["public"]


async def test_only_an_operator_may_read_what_its_listener_answers(world: World) -> None:
    told = await get(world.service.operations, "/openapi.json", world.token("vendor-operator", namespace="platform"))
    assert told.json == DOCUMENTS["operators"]
    for token in (None, world.token()):
        answer = await get(world.service.operations, "/openapi.json", token)
        assert answer.status == (403 if token else 401)


@pytest.mark.parametrize("listener", DOCUMENTS)
async def test_a_document_takes_no_query(world: World, listener: str) -> None:
    assert (await get(_url(world, listener), "/openapi.json?a=1")).code == "invalid_request"


@pytest.mark.parametrize(("listener", "path"), PATHS)
async def test_a_path_has_the_methods_of_its_document_and_no_other(world: World, listener: str, path: str) -> None:
    operations: dict[str, Any] = DOCUMENTS[listener]["paths"][path]
    filled = path.replace("{scope}", "reports:read").replace("{", "").replace("}", "")
    found = set()
    for method in METHODS:
        answer = await exchange(_url(world, listener), request(filled, method=method))
        if answer.status != 405:
            found.add(method.lower())
            assert str(answer.status) in operations[method.lower()]["responses"]
    assert found == operations.keys() - {"parameters"}


async def test_an_opt_in_is_in_the_document_only_where_it_was_made() -> None:
    opted = openapi.of_public(sts_get=True)["paths"]
    assert ["get" in opted[path] for path in ("/", "/sts", "/sts/")] == [True] * 3
    assert "get" not in DOCUMENTS["public"]["paths"]["/"]
