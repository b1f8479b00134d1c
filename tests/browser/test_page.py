"""The page in a real browser: with scripts and without, light and dark, on a phone and on a desk."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from tests.browser.chromium import Browser, MissingError, driver
from tests.service import ROOT, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

DESK = (1280, 900)
PHONE = (390, 844)
PICTURES = os.environ.get("PICTURES")
"""Where pictures for the documents go; none are taken without it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("browser")) as made:
        async with aiohttp.ClientSession() as session:
            for number in range(12):
                await _exchange(made, session, f"batch-{number}")
            for number in range(3):
                await _exchange(made, session, f"intruder-{number}")
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    try:
        with driver() as url:
            yield url
    except MissingError as exc:
        pytest.fail(str(exc))


async def _exchange(world: World, session: aiohttp.ClientSession, account: str) -> dict[str, str]:
    url = f"{world.service.public}/v1/credentials/reports:read"
    async with session.get(url, headers={"Authorization": world.token(account)}) as answer:
        found: dict[str, str] = await answer.json()
        return found


def _sign_in(browser: Browser, world: World) -> None:
    browser.open(f"{world.service.operations}/")
    browser.type("#f-token", world.token("vendor-operator", namespace="platform"))
    browser.click("#sign-in button")
    browser.wait("main", "Signed in as")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_nobody_is_kept_out_by_how_it_is_made(
    world: World, chromium: str, size: tuple[int, int], *, dark: bool
) -> None:
    def look() -> None:
        with Browser(chromium, dark=dark, scripts=True, width=size[0], height=size[1]) as browser:
            browser.open(f"{world.service.operations}/")
            assert browser.violations() == []
            _sign_in(browser, world)
            browser.click("#tester button")
            browser.wait("#tester", "would be granted")
            assert browser.violations() == []
            assert browser.value("document.documentElement.scrollWidth") <= size[0], "it is wider than the screen"
            assert browser.complaints() == []
            if PICTURES and dark == (size is PHONE):
                name = "page-phone.png" if size is PHONE else "page-desk.png"
                browser.picture(ROOT / PICTURES / name)

    await asyncio.to_thread(look)


async def test_with_scripts_it_is_live_and_keeps_the_token_in_memory_alone(world: World, chromium: str) -> None:
    def act(key: str) -> None:
        with Browser(chromium, dark=False, scripts=True, width=DESK[0], height=DESK[1]) as browser:
            _sign_in(browser, world)
            token = world.token("vendor-operator", namespace="platform")
            assert token not in browser.value("document.documentElement.outerHTML")
            assert browser.value("localStorage.length + sessionStorage.length + document.cookie.length") == 0
            browser.type("#f-access_key_id", key)
            browser.click("#finder button")
            browser.wait("#finder", "batch-3")
            browser.type("#f-principal", "system:serviceaccount:analytics:batch-3")
            browser.type("#f-reason", "CASE-12")
            browser.click("#stopper button")
            assert "CASE-12" not in browser.text("#revocations"), "it was not confirmed"
            browser.click(".sure input")
            browser.click("#stopper button")
            browser.wait("#revocations", "CASE-12")
            browser.wait("main", "Stopped by revocation")

    async with aiohttp.ClientSession() as session:
        await asyncio.to_thread(act, (await _exchange(world, session, "batch-3"))["AccessKeyId"])
        assert (await _exchange(world, session, "batch-3"))["code"] == "revoked"

    def watch() -> None:
        with Browser(chromium, dark=False, scripts=True, width=DESK[0], height=DESK[1]) as browser:
            _sign_in(browser, world)
            shown.set()
            browser.wait("#exchanges", "batch-live")
            # What has just come moves all below it: a pointer would meet whatever is there by then.
            browser.value("void document.querySelector('#revocations button').click()")
            browser.wait("#revocations", "Nobody is stopped.")

    shown = asyncio.Event()
    watching = asyncio.create_task(asyncio.to_thread(watch))
    async with aiohttp.ClientSession() as session:
        while not shown.is_set():  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.05)
        await _exchange(world, session, "batch-live")
        await watching
        assert "AccessKeyId" in await _exchange(world, session, "batch-3")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_when_the_token_has_ended_no_name_is_shown_any_more(
    world: World, chromium: str, *, scripts: bool
) -> None:
    def act() -> None:
        with Browser(chromium, dark=False, scripts=scripts, width=DESK[0], height=DESK[1]) as browser:
            browser.open(f"{world.service.operations}/")
            now = int(time.time())
            ending = world.token("vendor-operator", namespace="platform", iat=now, exp=now + 6)
            browser.type("#f-token", ending)
            browser.click("#sign-in button")
            browser.wait("main", "Signed in as")
            assert "system:serviceaccount" in browser.text("main")
            browser.wait("main", "Sign in")
            assert "system:serviceaccount" not in browser.text("main")
            assert ("Your token has ended" in browser.text("main")) == scripts
            assert browser.find("#scopes")

    await asyncio.to_thread(act)


async def test_when_who_looks_is_no_operator_any_more_no_name_is_shown_either(tmp_path: Path, chromium: str) -> None:
    def act(signed_in: threading.Event) -> None:
        with Browser(chromium, dark=False, scripts=True, width=DESK[0], height=DESK[1]) as browser:
            _sign_in(browser, one)
            signed_in.set()
            browser.wait("main", "Sign in")
            assert "system:serviceaccount" not in browser.text("main")

    async with World(tmp_path) as one:
        signed_in = threading.Event()
        looking = asyncio.create_task(asyncio.to_thread(act, signed_in))
        await asyncio.to_thread(signed_in.wait, 20)
        file = tmp_path / "vendor.yaml"
        file.write_text(file.read_text().replace("namespace: platform", "namespace: elsewhere"))
        await looking


async def test_an_answer_that_is_no_page_takes_the_place_of_nothing(world: World, chromium: str) -> None:
    def act() -> None:
        with Browser(chromium, dark=False, scripts=True, width=DESK[0], height=DESK[1]) as browser:
            browser.open(f"{world.service.operations}/")
            browser.value("void (document.getElementById('f-token').value = 'a'.repeat(60000))")
            browser.click("#sign-in button")  # the service refuses headers so long, and not in HTML
            browser.wait("#said", "did not take that")
            assert "Sign in" in browser.text("main")
            _sign_in(browser, world)

    await asyncio.to_thread(act)


async def test_without_scripts_everything_can_be_done_too(world: World, chromium: str) -> None:
    def act(key: str) -> None:
        with Browser(chromium, dark=False, scripts=False, width=DESK[0], height=DESK[1]) as browser:
            _sign_in(browser, world)
            browser.type("#f-access_key_id", key)
            browser.click("#finder button")
            browser.wait("#finder", "batch-4")
            browser.click("#tester button")
            browser.wait("#tester", "would be granted")
            browser.type("#f-principal", "system:serviceaccount:analytics:batch-4")
            browser.type("#f-reason", "CASE-13")
            browser.click(".sure input")
            browser.click("#stopper button")
            browser.wait("#revocations", "CASE-13")
            browser.click("#revocations button")
            browser.wait("#revocations", "Nobody is stopped.")

    async with aiohttp.ClientSession() as session:
        await asyncio.to_thread(act, (await _exchange(world, session, "batch-4"))["AccessKeyId"])
