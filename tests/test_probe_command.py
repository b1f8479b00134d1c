"""`vendor probe`: what must be refused is refused, and it says so when it is not."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.client.service import TOKEN, Service, refused, vended
from tests.service import World
from vendor.cli import main

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MUST = ["access_denied", "access_denied", "invalid_token", "granted"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as made:
        yield made


async def test_a_service_that_refuses_what_it_must_and_grants_what_it_must_passes(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text(world.issuer.token())
    monkeypatch.setenv("VENDOR_URL", world.service.public)
    arguments = ["probe", "--token-file", str(token), "--refused", "never:this", "--granted", "reports:read"]
    assert await asyncio.to_thread(main, [*arguments, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["good"] is True
    assert [one["came"] for one in told["tried"]] == MUST


async def test_a_scope_that_is_granted_and_must_not_be_fails(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text(world.issuer.token())
    arguments = ["probe", "--url", world.service.public, "--token-file", str(token), "--refused", "reports:read"]
    assert await asyncio.to_thread(main, arguments) == 1
    assert "BAD  scope reports:read: granted, must be access_denied\n" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", range(4))
def test_any_one_answer_that_is_another_fails(wrong: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = [refused(403, "access_denied"), refused(403, "access_denied"), refused(401, "invalid_token"), vended()]
    answers[wrong] = vended() if wrong < 3 else refused(403, "access_denied")
    token = tmp_path / "token"
    token.write_text(TOKEN)
    with Service(*answers) as service:
        arguments = ["--url", service.url, "--token-file", str(token), "--refused", "a", "--granted", "b"]
        assert main(["probe", *arguments]) == 1
        sent = [one.headers["Authorization"] for one in service.asked]
    assert capsys.readouterr().out.count("BAD ") == 1
    assert sent[0] == sent[1] == sent[3] != sent[2]
    assert sent[0].rpartition(".")[0] == sent[2].rpartition(".")[0]
    assert len(sent[0]) == len(sent[2])


def test_a_refusal_for_another_reason_proves_nothing_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    with Service(*[refused(401, "invalid_token")] * 3) as service:
        assert main(["probe", "--url", service.url, "--token-file", str(token), "--refused", "a"]) == 1
    assert "BAD  scope a: invalid_token, must be access_denied" in capsys.readouterr().out


@pytest.mark.thorough  # it tries again for ten seconds
def test_a_service_that_cannot_be_reached_is_no_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    with Service() as service:
        url = service.url
    assert main(["probe", "--url", url, "--token-file", str(token), "--refused", "a"]) == 3
    assert capsys.readouterr().err.startswith("vendor: ")


def test_without_a_service_it_says_how_one_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDOR_URL", raising=False)
    assert main(["probe", "--refused", "a"]) == 2
    assert "VENDOR_URL" in capsys.readouterr().err
