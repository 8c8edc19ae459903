"""Makes the calls of checks and recordings through a gateway: the one that runs, or one that is started for the time of the command.

Not for: judging answers (`ops/contracts/checks.py`).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline.cli.running import local_key, request
from trunkline.control.contracts import ContractProblem
from trunkline.control.published import read_snapshot
from trunkline.control.running import NotRunning, running_facts
from trunkline.control.state import State
from trunkline.core.scrub import Scrubber
from trunkline.core.text import nearest
from trunkline.engine.reply import inflated
from trunkline.ops.contracts import cassette
from trunkline.ops.contracts.cassette import Cassette, Heard
from trunkline.ops.contracts.disguise import Disguise
from trunkline.ops.contracts.single import Answer
from trunkline.settings import Settings, to_environ

if TYPE_CHECKING:
    from trunkline.ops.contracts.checks import Check

START_S = 30.0
LONGEST = 32 << 20
PACKED = ("gzip", "x-gzip", "deflate")
"""Codings of answers that are read; some vendors pack what nobody asked them to."""
_HIDDEN = (
    "x-trunkline-",
    "x-correlation-id",
    "server",
    "date",
    "connection",
    "transfer-encoding",
    "content-length",
)


class Caller:
    """Calls through one gateway with a key of its own."""

    def __init__(self, state: State, facts: Mapping[str, Any], key: str) -> None:
        self._facts = dict(facts)
        self._key = key
        self._snapshot = read_snapshot(state)
        self._simulated: set[str] = set()
        self._refused = ""
        """Code of the last answer, if it was Trunkline's own."""

    def answer(self, check: Check) -> Answer:
        """The answer to a check."""
        heard = self._heard(check)
        body = b"".join(content for _, content in heard.pieces)
        return Answer(status=heard.status, headers=dict(heard.answered), body=body)

    def recorded(self, check: Check) -> Cassette:
        """The answer to a check as a cassette, with nobody's data in it."""
        self._must_be_known(check.integration)
        heard = self._heard(check)
        if self._refused:
            raise ContractProblem(
                f"{check.integration} did not answer {check.name!r}: Trunkline did, with {heard.status} {self._refused}. "
                "Nothing was recorded; `trunkline logs` shows the call, docs/reference/errors.md what to do."
            )
        return cassette.made(
            check.name,
            check.integration,
            self._version(check.integration),
            datetime.now(UTC).date().isoformat(),
            heard,
            Disguise(os.urandom(32), Scrubber([self._key])),
            simulated=check.integration in self._simulated,
        )

    def _must_be_known(self, integration: str) -> None:
        names = [one.name for one in self._snapshot.services] if self._snapshot is not None else []
        if integration not in names:
            near = nearest(integration, names)
            raise ContractProblem(
                f"There is no integration {integration!r}; nothing was recorded."
                + (f" Did you mean {near!r}?" if near else "")
            )

    def _version(self, integration: str) -> str:
        services = self._snapshot.services if self._snapshot is not None else []
        found = next((one.api_version for one in services if one.name == integration), None)
        return found.value if found is not None else ""

    def _heard(self, check: Check) -> Heard:
        path, _, query = check.target.partition("?")
        headers = {name.lower(): value for name, value in check.headers.items()}
        if check.content and "content-type" not in headers:
            plain = isinstance(check.body, str)
            headers["content-type"] = "application/x-www-form-urlencoded" if plain else "application/json"
        # Samples of checks would be learned as if callers had made them.
        sent = [
            *headers.items(),
            ("x-trunkline-key", self._key),
            ("x-trunkline-errors", "native"),
            ("x-trunkline-samples", "off"),
        ]
        target = f"/api/proxy/{check.integration}{path}" + (f"?{query}" if query else "")
        began = time.monotonic()
        with request(self._facts, check.method, target, sent, check.content or None) as answer:
            head_ms = (time.monotonic() - began) * 1e3
            pieces, size = [], 0
            while size < LONGEST and (piece := answer.read1(65536)):
                pieces.append(((time.monotonic() - began) * 1e3, piece))
                size += len(piece)
            fields = {name.lower(): value for name, value in answer.getheaders()}
            status = answer.status
        if fields.pop("content-encoding", "").lower() in PACKED and pieces:
            body, _ = inflated(b"".join(piece for _, piece in pieces), LONGEST)
            pieces = [(pieces[-1][0], body)]
        own = fields.get("x-trunkline-error-source") == "trunkline"
        self._refused = fields.get("x-trunkline-error-code", "refused") if own else ""
        if fields.get("x-trunkline-simulated") == "true":
            self._simulated.add(check.integration)
        return Heard(
            method=check.method,
            path=path,
            query=query,
            headers=headers,
            body=check.content,
            status=status,
            answered={name: value for name, value in fields.items() if not name.startswith(_HIDDEN)},
            head_ms=head_ms,
            pieces=pieces,
        )


@contextlib.contextmanager
def started(settings: Settings, environ: Mapping[str, str], *, simulate: bool) -> Iterator[Caller]:
    """A Trunkline of its own on free ports and a state folder that is thrown away. Raises NotRunning."""
    with tempfile.TemporaryDirectory(prefix="trunkline-contracts-", ignore_cleanup_errors=True) as folder:
        state = State(Path(folder) / "state", environ)
        own = {
            **to_environ(settings),
            "TRUNKLINE_STATE_DIR": str(state.path),
            "TRUNKLINE_PORT": "0",
            "TRUNKLINE_CONSOLE_PORT": "0",
            "TRUNKLINE_PROBES": "false",
            "TRUNKLINE_SIMULATE_MISSING": "true" if simulate else "false",
            "TRUNKLINE_DRAIN": "1",
        }
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "trunkline.cli", "serve"],
                env={**environ, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            facts = _waited(state, process, Path(folder) / "log")
            with local_key(state, ["*"]) as key:
                yield Caller(state, facts, key)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _waited(state: State, process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    until = time.monotonic() + START_S
    while True:
        with contextlib.suppress(NotRunning):
            facts = running_facts(state)
            if facts.get("port"):
                return facts
        if process.poll() is not None or time.monotonic() > until:
            said = log.read_text("utf-8", "replace")[-1500:].strip()
            raise NotRunning(f"Trunkline did not start for the checks:\n{said}")
        time.sleep(0.05)
