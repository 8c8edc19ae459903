"""Coding agents as people run them, unmodified, in a home and a folder of their own: one prompt, and what became of it.

What they send anywhere but to loopback goes to `Outside`, which notes it and answers nothing. Not for: judging (`test_clients.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.real.node.tool import node

FOLDER = Path(__file__).parents[1] / "real" / "agents"
PACKAGES = FOLDER / "node_modules"
TIMEOUT_S = 120


class Outside:
    """The proxy to everywhere else: a listener that hangs up. `asked` is what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        """Until it is closed."""
        with contextlib.suppress(OSError):
            while True:
                with self._listener.accept()[0] as line:
                    line.settimeout(5)
                    self.asked.append(line.recv(500).partition(b"\r\n")[0].decode("latin-1"))

    def close(self) -> None:
        """Ends `run`."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextlib.contextmanager
def outside() -> Iterator[Outside]:
    """Runs while the block does."""
    proxy = Outside()
    thread = threading.Thread(target=proxy.run)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


class Desk:
    """Where an agent works: `home` is its own, `work` holds the files that it may touch."""

    def __init__(self, folder: Path, url: str, key: str, proxy: str) -> None:
        self.home, self.work = folder / "home", folder / "work"
        self._url, self._key = url, key
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "HTTPS_PROXY": proxy,
            "HTTP_PROXY": proxy,
            "NO_PROXY": "127.0.0.1",
        }
        self.home.mkdir(parents=True)
        self.work.mkdir()

    def claude(self, model: str, prompt: str) -> Any:
        """Claude Code's result."""
        environ = {
            "ANTHROPIC_BASE_URL": self._url,
            "ANTHROPIC_AUTH_TOKEN": self._key,
            "ANTHROPIC_MODEL": model,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }
        script = PACKAGES / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs"
        options = ["--output-format", "json", "--permission-mode", "acceptEdits"]
        return self._run([script, "-p", prompt, *options], environ)[-1]

    def codex(self, model: str, prompt: str) -> list[Any]:
        """The items that Codex completed, in their order."""
        folder = self.home / ".codex"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(
            f'model = "{model}"\nmodel_provider = "trunkline"\ncheck_for_update_on_startup = false\n'
            "[analytics]\nenabled = false\n[features]\nplugins = false\n"
            f'[model_providers.trunkline]\nname = "Trunkline"\nbase_url = "{self._url}/v1"\n'
            'wire_api = "responses"\nenv_key = "TRUNKLINE_KEY"\n'
        )
        script = PACKAGES / "@openai" / "codex" / "bin" / "codex.js"
        # Its sandbox needs rights that a container may not give; what it runs here stands in the prompt.
        options = ["--json", "--skip-git-repo-check", "--sandbox", "danger-full-access"]
        events = self._run([script, "exec", *options, prompt], {"TRUNKLINE_KEY": self._key})
        return [one["item"] for one in events if one["type"] == "item.completed"]

    def _run(self, arguments: list[Path | str], environ: dict[str, str]) -> list[Any]:
        """The lines of JSON that it printed."""
        done = subprocess.run(
            [*node(), *map(str, arguments)],
            cwd=self.work,
            env=self._environ | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
