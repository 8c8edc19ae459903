"""A real browser, driven over the WebDriver protocol (W3C) that chromedriver speaks: opens pages, presses buttons, tells what ran.

Needs Debian's `chromium` and `chromium-driver`, and no library. It reaches this machine only. Not for: what is opened (`markup.py`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.polling import eventually
from tests.support.processes import ended
from trunkline.control.claim import free_port

PROGRAMS = ("chromium", "chromedriver")
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Dialog(Exception):
    """A page has opened a dialog: something on it ran."""


class BrowserFailed(Exception):
    """The browser could not do what it was asked for."""


class Browser:
    """One window."""

    def __init__(self, port: int, options: dict[str, Any]) -> None:
        self._driver = f"http://127.0.0.1:{port}"
        self._session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": options}})["sessionId"]

    def open(self, address: str) -> None:
        """Goes to a page and waits for all of it. Raises Dialog."""
        self._act("POST", "/url", {"url": address})

    def press(self, selector: str) -> None:
        """Presses the first button that a CSS selector finds."""
        found = self._act("POST", "/element", {"using": "css selector", "value": selector})
        self._act("POST", f"/element/{found[ELEMENT]}/click", {})

    def run(self, script: str) -> Any:
        """What a script of the test's own answers on the page. Raises Dialog."""
        return self._act("POST", "/execute/sync", {"script": script, "args": []})

    def address(self) -> str:
        return str(self._act("GET", "/url"))

    def said(self) -> list[str]:
        """What the browser has complained about since it was asked last: violations of a policy, faults of scripts."""
        return [str(line["message"]) for line in self._act("POST", "/se/log", {"type": "browser"})]

    def dismiss(self) -> bool:
        """Closes a dialog; whether there was one."""
        try:
            self._act("POST", "/alert/dismiss", {})
        except BrowserFailed:
            return False
        return True

    def close(self) -> None:
        self._ask("DELETE", f"/session/{self._session}")

    def _act(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._ask(method, f"/session/{self._session}{path}", body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._driver + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as refusal:
            told = json.load(refusal)["value"]
            kind = Dialog if told["error"] == "unexpected alert open" else BrowserFailed
            raise kind(f"{path}: {told['error']}: {told['message'][:300]}") from None


def missing() -> list[str]:
    """Programs that are not there."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own."""
    port = free_port()
    options = {
        "browserName": "chrome",
        "unhandledPromptBehavior": "ignore",
        "timeouts": {"pageLoad": 30_000, "script": 10_000},
        "goog:chromeOptions": {"args": [*ARGUMENTS, f"--user-data-dir={folder / 'profile'}"]},
        "goog:loggingPrefs": {"browser": "ALL"},
    }
    with (folder / "driver.log").open("wb") as log:
        driver = subprocess.Popen([PROGRAMS[1], f"--port={port}"], stdout=log, stderr=log)
    try:
        eventually(lambda: _answers(port), "chromedriver to answer", 30)
        browser = Browser(port, options)
        try:
            yield browser
        finally:
            browser.close()
    finally:
        driver.terminate()
        ended(driver)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=2) as answer:
            return bool(json.load(answer)["value"]["ready"])
    except OSError:
        return False
