"""Headless Chromium and its driver, Debian's own, spoken to by the WebDriver protocol alone (W3C WebDriver)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.conftest import MACHINE
from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AXE = ROOT / ".cache" / "axe"
AXE_VERSION = "4.10.3"
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class MissingError(Exception):
    """What the tests need is not there; the message says how to have it."""


def axe() -> str:
    """Return the source of axe-core, the accessibility checker, from npm."""
    source = AXE / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        AXE.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-save", "--prefix", str(AXE), f"axe-core@{AXE_VERSION}"]
        environ = {**os.environ, **json.loads(os.environ[MACHINE])}
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=environ)  # noqa: S603
        if done.returncode:
            raise MissingError(f"axe-core cannot be installed: {done.stderr[-500:]}")
    return source.read_text("utf-8")


class Browser:
    """One session of Chromium."""

    def __init__(self, driver: str, *, dark: bool, scripts: bool, width: int, height: int) -> None:
        preferences = {} if scripts else {"profile.managed_default_content_settings.javascript": 2}
        flags = [*FLAGS, f"--window-size={width},{height}", *(["--force-dark-mode"] if dark else [])]
        chrome = {"args": flags, "prefs": preferences, "binary": shutil.which("chromium")}
        asked = {"alwaysMatch": {"goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}}
        self._driver = driver
        self._session = ""
        self._session = f"/session/{self.ask('POST', '/session', {'capabilities': asked})['sessionId']}"
        self._width = width
        self.ask("POST", "/window/rect", {"width": width, "height": height})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ask("DELETE", "")

    def ask(self, method: str, path: str, members: Any = None) -> Any:
        """Send one command and return its value."""
        data = None if method != "POST" else json.dumps(members or {}).encode()
        request = Request(f"{self._driver}{self._session}{path}", data=data, method=method)  # noqa: S310 - loopback
        request.add_header("Content-Type", "application/json")
        with urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
            return json.load(answer)["value"]

    def open(self, url: str) -> None:
        """Go to a URL."""
        self.ask("POST", "/url", {"url": url})

    def find(self, selector: str) -> str:
        """Return the first element that a CSS selector finds, waiting for it a while."""
        until = time.monotonic() + 10
        while not (found := self.ask("POST", "/elements", {"using": "css selector", "value": selector})):
            if time.monotonic() > until:
                raise AssertionError(f"there is no {selector} in: {self.text('body')[:500]}")
            time.sleep(0.05)
        return str(found[0][_ELEMENT])

    def text(self, selector: str) -> str:
        """Return the text that is seen of an element."""
        return str(self._on(selector, "GET", "text"))

    def _on(self, selector: str, method: str, command: str, members: Any = None) -> Any:
        """Do something with an element, and again if the page has put another in its place meanwhile."""
        for _ in range(20):
            try:
                return self.ask(method, f"/element/{self.find(selector)}/{command}", members)
            except HTTPError as exc:
                said = exc.read()
                # The page may have changed between finding and asking, and the inspector has other words for that.
                if exc.code != 404 and b"does not belong to the document" not in said:
                    raise AssertionError(f"{command} of {selector}: {said[:500]!r}") from exc
                time.sleep(0.05)
        raise AssertionError(f"{selector} does not stay long enough for {command}")

    def type(self, selector: str, text: str) -> None:
        """Type into a field, in the place of what is there."""
        self._on(selector, "POST", "clear")
        self._on(selector, "POST", "value", {"text": text})

    def click(self, selector: str) -> None:
        """Click on an element."""
        self._on(selector, "POST", "click")

    def wait(self, selector: str, text: str) -> None:
        """Wait until a text is seen in an element."""
        until = time.monotonic() + 10
        while text not in self.text(selector):
            if time.monotonic() > until:
                raise AssertionError(f"no {text!r} in {selector}: {self.text(selector)[:500]}")
            time.sleep(0.05)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script that calls its last argument with the result."""
        return self.ask("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        return self.ask("POST", "/execute/sync", {"script": f"return {expression}", "args": []})

    def complaints(self) -> list[str]:
        """Return what the browser has logged: violated policies and failed scripts are among it."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def violations(self) -> list[str]:
        """Return what the accessibility checker finds, with the element of each."""
        script = "const done = arguments[arguments.length - 1]; axe.run().then((found) => done(found.violations));"
        found = self.run(f"{axe()}\n{script}")
        return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]

    def picture(self, path: Path) -> None:
        """Write a PNG of the whole page."""
        height = self.value("document.documentElement.scrollHeight")
        self.ask("POST", "/window/rect", {"width": self._width, "height": height + 1})
        self.value("window.scrollTo(0, 0)")
        time.sleep(0.3)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))


@contextmanager
def driver() -> Iterator[str]:
    """Run the driver and return its URL."""
    command = shutil.which("chromedriver")
    if command is None or shutil.which("chromium") is None:
        raise MissingError("this needs Debian's chromium: apt-get install chromium chromium-driver")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([command, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:  # noqa: S603
        try:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", port), 0.1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
