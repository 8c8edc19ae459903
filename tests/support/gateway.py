"""A real gateway in a child process with a registry of the test's own, its keys, and its journal to read.

`running_trunkline(folder, registry)` compiles and publishes as `trunkline serve` does, in this process, and starts
`python -m trunkline.app`. Not for: the supervisor (tests that need it start `trunkline serve`).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.caller import TIMEOUT_S, Answer, Fields, Line, Stream, call, request, streaming
from tests.support.polling import eventually
from tests.support.processes import ended, ready
from trunkline.control import keys, publish
from trunkline.control.child import child_environ
from trunkline.control.reload import Compiler, Outcome, gateway_facts
from trunkline.control.state import State
from trunkline.core.codec import pack_decoder
from trunkline.core.record import Again, Begin, End, Record
from trunkline.journal.reader import START, Reader
from trunkline.settings import Settings, to_environ

_records = pack_decoder(Record)

SECRETS = {
    "OPENAI_API_KEY": "sk-test-openai-not-a-real-key",
    "ANTHROPIC_API_KEY": "sk-ant-test-not-a-real-key",
    "GEMINI_API_KEY": "gemini-test-not-a-real-key",
    "STRIPE_SECRET_KEY": "sk_test_notARealKey00",
    "CRM_TOKEN": "crm-test-not-a-real-token",
}
"""What the environment of a test's gateway holds; all of it made up, none of it may ever show anywhere."""


@dataclass
class Call:
    """What the journal says of one call."""

    begins: list[Begin] = field(default_factory=list)
    agains: list[Again] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)

    @property
    def begin(self) -> Begin:
        return self.begins[0]

    @property
    def end(self) -> End:
        return self.ends[0]

    @property
    def codes(self) -> list[str]:
        """How each attempt ended; empty for a good one."""
        return [tried.code for tried in self.end.tried]


class Trunkline:
    """A running gateway. `key` is a caller key that may call everything."""

    def __init__(
        self, folder: Path, registry: str, secrets: Mapping[str, str], settings: Mapping[str, Any]
    ) -> None:
        self.folder = folder
        self.config = folder / "trunkline.yaml"
        self.config.write_text(registry)
        self.errors_file = folder / "gateway.stderr"
        self._secrets = secrets
        self._environ = {"PATH": os.environ["PATH"], **secrets}
        values = {"env": "dev", "port": 0, "drain": 5.0, **settings}
        self._settings = Settings(config=str(self.config), state_dir=str(folder / "state"), **values)
        self.state = State(self._settings.state_path, self._environ)
        self._compiler = Compiler(self.state, self._settings, self._environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: Reader | None = None
        self._calls: dict[str, Call] = {}
        self.port = 0
        self.key = ""
        self.kills = 0

    # Its life.

    def start(self) -> None:
        """Publishes and starts; returns when the first call can be answered."""
        outcome = self._compiler.run(first=True)
        assert outcome.ok, [str(finding) for finding in outcome.findings]
        self.key = self.new_key("everything", "*", concurrency=0)
        self.spawn()

    def spawn(self) -> None:
        """Starts the process on what is published."""
        self.begin("-m", "trunkline.app")

    def begin(self, *arguments: str, **more: str) -> None:
        """Starts Python with these arguments as the gateway, `more` in its environment, and waits until it serves."""
        environ = child_environ({**os.environ, **self._environ}, to_environ(self._settings)) | more
        with self.errors_file.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, *arguments], env=environ, stdin=subprocess.DEVNULL, stderr=errors
            )
        ready(self._process, self._serves, "the gateway", lambda: self.errors)
        self.port = int(gateway_facts(self.state)["port"])

    def _serves(self) -> bool:
        assert self._process is not None
        return gateway_facts(self.state).get("pid") == self._process.pid

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self.kills += (
            number == signal.SIGKILL
        )  # what runs at that instant has no end, by whatever name it was killed
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and a new process on the same state. Calls that were running stay without an end in the journal."""
        self.signal(signal.SIGKILL)
        self.wait()
        self.spawn()

    def wait(self) -> int:
        """The exit status, once it has ended."""
        assert self._process is not None
        return ended(self._process)

    def stop(self) -> None:
        """Ends it in order, which takes its `drain` where calls still run, and the disk's time."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        ended(self._process)

    def check(self) -> None:
        """What holds after every story: it ended in order, wrote of no defect, gave each call one record, and told no secret."""
        assert self._process is not None
        assert self._process.returncode == 0, (
            f"the gateway ended with {self._process.returncode}: {self.errors}"
        )
        assert "Traceback" not in self.errors, self.errors
        allowed = {(1, 1), (1, 0)} if self.kills else {(1, 1)}
        odd = [call for call in self.calls().values() if (len(call.begins), len(call.ends)) not in allowed]
        assert odd == [], odd
        files = [path for path in self.state.path.rglob("*") if path.is_file() and path != self.state.sealed]
        told = self.errors.encode() + b"".join(path.read_bytes() for path in files)
        secrets = [value for value in (*self._secrets.values(), self.key) if value.encode() in told]
        assert secrets == []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def memory_kb(self) -> int:
        """Resident memory of the gateway now."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0])

    @property
    def errors(self) -> str:
        """What it wrote to stderr."""
        return self.errors_file.read_text()

    # What it may call, and who may call it.

    def new_key(self, name: str, *scopes: str, **wish: Any) -> str:
        """A caller key, live at once."""
        return keys.create(self.state, keys.Wish(name=name, scopes=list(scopes), **wish)).key

    def reload(self, registry: str) -> Outcome:
        """Writes a registry and publishes it as the supervisor does; waits until the gateway serves it (if it is good)."""
        self.config.write_text(registry)
        outcome = self._compiler.run(first=False)
        if outcome.ok:
            eventually(
                lambda: gateway_facts(self.state).get("version") == outcome.version,
                "the new registry to be live",
            )
        return outcome

    def republish_callers(self) -> None:
        """Publishes the keys, e.g. after one was revoked, and waits until they hold."""
        version = publish.callers(self.state).version
        eventually(lambda: gateway_facts(self.state).get("callers") == version, "the keys to be live")

    # Calling.

    def call(
        self,
        method: str,
        target: str | bytes,
        body: bytes | Any = None,
        headers: Fields = (),
        *,
        key: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """One call with the key as bearer token (`key=""`: without). A body that is no bytes is sent as JSON."""
        lines, data = self._dressed(body, headers, key)
        return call(self.port, method, target, lines, data, timeout_s=timeout_s)

    @contextmanager
    def stream(
        self,
        method: str,
        target: str,
        body: bytes | Any = None,
        headers: Fields = (),
        *,
        key: str | None = None,
        receive_buffer: int = 0,
    ) -> Iterator[Stream]:
        """The same, read as it comes."""
        lines, data = self._dressed(body, headers, key)
        with streaming(self.port, method, target, lines, data, receive_buffer=receive_buffer) as answer:
            yield answer

    @contextmanager
    def unanswered(
        self,
        method: str,
        target: str,
        body: bytes | Any = None,
        headers: Fields = (),
        *,
        key: str | None = None,
    ) -> Iterator[Line]:
        """A call that is sent and whose answer nobody reads yet."""
        lines, data = self._dressed(body, headers, key)
        with Line(self.port) as line:
            line.send(request(method, target, lines, data))
            yield line

    def _dressed(
        self, body: bytes | Any, headers: Fields, key: str | None
    ) -> tuple[list[tuple[str, str]], bytes | None]:
        lines = list(headers.items() if isinstance(headers, Mapping) else headers)
        presented = self.key if key is None else key
        if presented:
            lines.append(("authorization", f"Bearer {presented}"))
        if body is None or isinstance(body, bytes):
            return lines, body
        if "content-type" not in {name.lower() for name, _ in lines}:
            lines.append(("content-type", "application/json"))
        return lines, json.dumps(body).encode()

    # What it wrote down.

    def calls(self) -> dict[str, Call]:
        """Everything in the journal so far, by call id."""
        if self._reader is None:
            self._reader = Reader(self.state.journal, START)
        while batch := self._reader.read(1000):
            for _, payload in batch:
                record = _records.decode(payload)
                if isinstance(record, Begin | Again | End):
                    entry = self._calls.setdefault(record.call_id, Call())
                    kept: list[Any] = {Begin: entry.begins, Again: entry.agains, End: entry.ends}[
                        type(record)
                    ]
                    kept.append(record)
        return self._calls

    def recorded(self, answer: Answer | Stream | str) -> Call:
        """The one call with this answer's correlation id (or this id), once it has ended; with one begin and one end."""
        wanted = answer if isinstance(answer, str) else answer.field("x-correlation-id")
        assert wanted, "the answer has no x-correlation-id"

        def ended() -> list[Call]:
            of_id = [c for c in self.calls().values() if c.begins and c.begin.correlation_id == wanted]
            return of_id if of_id and all(c.ends for c in of_id) else []

        found = eventually(ended, f"the record of the call {wanted}")
        assert [(len(c.begins), len(c.ends)) for c in found] == [(1, 1)], found
        return found[0]


@contextmanager
def running_trunkline(
    folder: Path, registry: str, *, secrets: Mapping[str, str] | None = None, **settings: Any
) -> Iterator[Trunkline]:
    """Starts a gateway with this registry and ends it afterwards. `settings` are those of the process."""
    folder.mkdir(parents=True, exist_ok=True)
    trunkline = Trunkline(folder, registry, SECRETS if secrets is None else secrets, settings)
    try:
        trunkline.start()
        yield trunkline
    finally:
        trunkline.stop()
    trunkline.check()
