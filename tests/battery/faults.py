"""F1 to F30: what a vendor can do wrong, on every dialect, whole and as a stream. Each call must end in time and clearly.

Not for: single stories about one fault (`tests/flows/test_vendor_faults.py`, `test_streams.py`, `test_retries.py`).
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.battery.disk import error_of
from tests.support.caller import Answer, Cut
from tests.support.gateway import SECRETS, Call, Trunkline, running_trunkline
from tests.support.polling import STEP_S, eventually
from tests.support.simulator import SimulatorProcess, running_simulator

DEADLINE_S = 1.0
SLACK_S = 0.25
AT_ONCE = 12


class Form(NamedTuple):
    """One way to call. `end`: what a good answer's last part holds. `{place}` in target and body is where it leads, e.g. `refused-`."""

    name: str
    vendor: str
    target: str
    body: bytes
    kind: str
    end: bytes
    acts: bool = False
    method: str = "POST"


def _json(**body: Any) -> bytes:
    return json.dumps(body).encode()


_SAID = [{"role": "user", "content": "Grüße an Oslo und Łódź"}]
_PARTS = [{"role": "user", "parts": [{"text": "Grüße an Oslo"}]}]
_GEMINI = "/v1beta/models/{place}gemini/gemini-4-argon:"
FORMS = (
    Form("chat", "openai", "/v1/chat/completions", _json(model="{place}openai/gpt-4o-mini", messages=_SAID), "model", b"choices"),
    Form("chat stream", "openai", "/v1/chat/completions",
         _json(model="{place}openai/gpt-4o-mini", messages=_SAID, stream=True), "stream", b"data: [DONE]"),
    Form("responses", "openai", "/v1/responses", _json(model="{place}openai/gpt-4o-mini", input="Hi"), "model", b'"output"'),
    Form("responses stream", "openai", "/v1/responses",
         _json(model="{place}openai/gpt-4o-mini", input="Hi", stream=True), "stream", b"response.completed"),
    Form("embeddings", "openai", "/v1/embeddings", _json(model="{place}openai/text-embedding-3-small", input="Hi"), "model", b"embedding"),
    Form("messages", "anthropic", "/v1/messages",
         _json(model="{place}anthropic/claude-opus-5", messages=_SAID, max_tokens=100), "model", b"stop_reason"),
    Form("messages stream", "anthropic", "/v1/messages",
         _json(model="{place}anthropic/claude-opus-5", messages=_SAID, max_tokens=100, stream=True), "stream", b"message_stop"),
    Form("gemini", "gemini", _GEMINI + "generateContent", _json(contents=_PARTS), "model", b"finishReason"),
    Form("gemini stream", "gemini", _GEMINI + "streamGenerateContent?alt=sse", _json(contents=_PARTS), "stream", b"finishReason"),
    Form("proxied read", "crm", "/api/proxy/{place}crm/echo", b"", "plain", b"", method="GET"),
    Form("proxied stream", "crm", "/api/proxy/{place}crm/sse?n=20&ms=1", b"", "plain", b"", method="GET"),
    Form("proxied act", "crm", "/api/proxy/{place}crm/items", b'{"name":"x"}', "plain", b"", acts=True),
)  # fmt: skip
VENDORS = ("openai", "anthropic", "gemini", "crm")

ERROR, GOOD, CUT, EVENT, ODD = "error", "good", "cut", "event", "odd"
"""How a call can end: a normalized error; a good answer; visibly broken off; an error event at the end of a stream; a whole answer
that is not what was asked for (allowed where the bytes are the vendor's business: proxied calls)."""


class Case(NamedTuple):
    """One fault and how a call may end by it, per kind of form. `place`: an address with a defect, instead of a `fault`."""

    id: str
    fault: str
    model: frozenset[str]
    stream: frozenset[str]
    plain: frozenset[str]
    place: str = ""


def _case(id_: str, fault: str, model: str, stream: str, plain: str, place: str = "") -> Case:
    return Case(id_, fault, *(frozenset(text.split()) for text in (model, stream, plain)), place)


CASES = (
    # A vendor that asks for a pause gets it, from all its callers: hence integrations of their own.
    _case("F1", "rate_limit;retry_after=20", ERROR, ERROR, ERROR, "f1-"),
    _case("F1 ms", "rate_limit;retry_after_ms=20", ERROR, ERROR, ERROR, "f1ms-"),
    _case("F1 date", "rate_limit;retry_after_date=30", ERROR, ERROR, ERROR, "f1date-"),
    _case("F1 10^9", "rate_limit;retry_after=1000000000", ERROR, ERROR, ERROR, "f1huge-"),
    _case("F2", "rate_limit_bare", ERROR, ERROR, ERROR, "f2-"),
    _case("F3", "server_error", ERROR, ERROR, ERROR),
    _case("F4", "overloaded", ERROR, ERROR, ERROR),
    _case("F5", "", ERROR, ERROR, ERROR, "refused-"),
    _case("F6", "", ERROR, ERROR, ERROR, "unknown-"),
    _case("F7 expired", "", ERROR, ERROR, ERROR, "expired-"),
    _case("F7 wrong host", "", ERROR, ERROR, ERROR, "wrong_host-"),
    _case("F7 self-signed", "", ERROR, ERROR, ERROR, "self_signed-"),
    _case("F8", "never", ERROR, ERROR, ERROR),
    _case("F9", "slow_start;ms=30000", ERROR, ERROR, ERROR),
    _case("F10", "drip;bytes_per_s=1", ERROR, ERROR, ERROR),
    _case("F10 body", "drip;bytes_per_s=20;head=fast", "error", "error cut event", "error cut"),
    _case("F11", "reset", ERROR, ERROR, ERROR),
    _case("F11 FIN", "fin", ERROR, ERROR, ERROR),
    _case("F11 early", "reset_early", ERROR, ERROR, ERROR),
    _case("F12 F13", "reset_mid", ERROR, "error event", "error cut"),
    _case("F14", "fin_mid_chunk", ERROR, "error event", "error cut"),
    _case("F14 between", "fin_mid", ERROR, "error event", "error cut"),
    _case("stall", "stall", ERROR, "error event", "error cut"),
    _case("F15", "truncate", "error good", "error event", "good odd error cut"),
    _case("F16", "error_first", "error good", "error event", "good odd error cut"),
    _case("F17", "error_after", "error good", "event error", "good odd error cut"),
    _case("F18", "bad_json", ERROR, "error event good", "good odd"),
    _case("F19", "html", ERROR, ERROR, "odd good error"),
    _case("F20", "content_type", "good error", "good error", "good odd"),
    _case("F20 none", "content_type;-", "good error", "good error", "good odd"),
    _case("F24 CL+TE", "cl_te", ERROR, ERROR, ERROR),
    _case("F24 two CL", "double_length", ERROR, ERROR, ERROR),
    _case("F24 NUL", "nul_header", ERROR, ERROR, ERROR),
    _case("F25 flood", "interim;n=1000", ERROR, ERROR, ERROR),
    _case("F25 few", "interim;n=10", GOOD, GOOD, GOOD),
    _case("F25 100s", "interim;n=10;status=100", GOOD, GOOD, GOOD),
    _case("F26 metadata", "redirect;to=http://169.254.169.254/latest/meta-data/", ERROR, ERROR, ERROR),
    _case("F26 host", "redirect;to=http://elsewhere.example/x", ERROR, ERROR, ERROR),
    _case("F27 split", "split_utf8", GOOD, GOOD, GOOD),
    _case("F27 mixed", "mixed_newlines", GOOD, GOOD, GOOD),
    _case("F29 none", "usage;form=missing", GOOD, GOOD, GOOD),
    _case("F29 minus", "usage;form=negative", GOOD, GOOD, GOOD),
    _case("F29 text", "usage;form=string", GOOD, GOOD, GOOD),
    _case("F30", "close_idle", GOOD, GOOD, GOOD),
    _case("garbage", "garbage", ERROR, ERROR, ERROR),
    _case("bad status", "bad_status", ERROR, ERROR, ERROR),
    _case("bad chunk", "bad_chunk", ERROR, "error event", "error cut"),
    _case("long length", "long_length", ERROR, "error event cut", "error cut"),
    _case("HTTP/1.0", "http10", GOOD, GOOD, GOOD),
    _case("trailers", "trailers", GOOD, GOOD, GOOD),
    _case("comments", "comments", GOOD, GOOD, GOOD),
)  # fmt: skip
PASSING = (
    "server_error",
    "overloaded",
    "reset",
    "fin",
    "reset_mid",
    "fin_mid",
    "garbage",
    "bad_status",
    "cl_te",
    "html",
    "bad_json",
)
"""Faults that strike once: the next attempt serves the call, and its caller notices nothing."""


@dataclass
class Tried:
    """One call of the matrix."""

    case: Case
    form: Form
    id: str
    outcome: str
    took_s: float
    answer: Answer | None = None

    @property
    def code(self) -> str:
        return (
            str(error_of(self.answer).get("code"))
            if self.answer is not None and self.outcome == ERROR
            else ""
        )

    def __repr__(self) -> str:
        body = self.answer.body[-200:] if self.answer is not None else b""
        status = self.answer.status if self.answer is not None else 0
        return f"{self.case.id} on {self.form.name}: {self.outcome} after {self.took_s:.2f} s, {status} {body!r} ({self.id})"


@dataclass
class Matrix:
    """What the faults did. All lists but `tried` must be empty."""

    tried: list[Tried] = field(default_factory=list)
    unclear: list[Tried] = field(default_factory=list)
    """Ended as the case does not allow."""
    late: list[Tried] = field(default_factory=list)
    misrecorded: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    """More than four attempts, or an act that was sent again after it might have acted."""
    leaking: list[str] = field(default_factory=list)
    files_left: int = 0
    """Descriptors more than before, after all is quiet."""
    errors: str = ""
    """What the process wrote to stderr."""

    def slowest(self) -> Tried:
        return max(self.tried, key=lambda one: one.took_s)


def registry(simulator: SimulatorProcess) -> str:
    """Every vendor at its good address, and at each address with a defect."""
    places = {place: (simulator.address(), "") for place in ("", "f1-", "f1ms-", "f1date-", "f1huge-", "f2-")}
    places["refused-"] = (f"http://127.0.0.1:{_closed_port()}", "")
    places["unknown-"] = ("http://nobody.invalid", "allow_http: true, network: private, ")
    for kind, port in simulator.tls_ports.items():
        trust = "" if kind == "self_signed" else f"tls: {{ca_file: '{simulator.ca_file}'}}, "
        places[f"{kind}-"] = (f"https://127.0.0.1:{port}", trust)
    secrets = {
        "openai": "OPENAI_API_KEY",
        "anthropic": "ANTHROPIC_API_KEY",
        "gemini": "GEMINI_API_KEY",
        "crm": "CRM_TOKEN",
    }
    lines = [
        "version: 1",
        "defaults:",
        "  retry: {backoff: 10ms, backoff_max: 20ms, budget_floor: 1000000}",
        "  breaker: {volume: 1000000}",
        "integrations:",
    ]
    for place, (address, more) in places.items():
        for vendor in VENDORS:
            whose = (
                "auth: {kind: bearer, secret: env:CRM_TOKEN}"
                if vendor == "crm"
                else f"vendor: {vendor}, secret: env:{secrets[vendor]}"
            )
            lines.append(f"  {place}{vendor}: {{base_url: '{address}/{vendor}', {more}{whose}}}")
    return "\n".join(lines) + "\n"


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def setting(folder: Path) -> Iterator[tuple[Trunkline, SimulatorProcess]]:
    """A gateway and a simulator with bad certificates."""
    with (
        running_simulator(tls="expired,wrong_host,self_signed", tls_dir=folder) as simulator,
        running_trunkline(folder / "gateway", registry(simulator)) as gateway,
    ):
        yield gateway, simulator


def try_all(
    gateway: Trunkline,
    simulator: SimulatorProcess,
    *,
    times: int,
    forms: tuple[Form, ...] = FORMS,
    deadline_s: float = DEADLINE_S,
) -> Matrix:
    """Every case on every form, so many times, some at once."""
    for _ in range(3):
        gateway.call("GET", "/api/proxy/crm/echo")
    # The store of responses opens its files with the first, and keeps them.
    gateway.call("POST", "/v1/responses", {"model": "openai/gpt-4o-mini", "input": "Say hello"})
    before = files_open(gateway.pid)
    jobs = list(itertools.product(CASES, forms, range(times)))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = Matrix(list(pool.map(lambda job: _try(gateway, *job, deadline_s), jobs)))
    found.unclear = [one for one in found.tried if one.outcome not in _allowed(one)]
    found.late = [one for one in found.tried if one.took_s > deadline_s + SLACK_S]
    _check_records(gateway, found)
    _check_attempts(simulator, found)
    simulator.control("POST", "connections", {"idle_only": True})
    found.files_left = settled_files(gateway.pid, before) - before
    found.errors = gateway.errors
    return found


def _try(gateway: Trunkline, case: Case, form: Form, number: int, deadline_s: float) -> Tried:
    name = (
        f"{case.id}-{form.name}-{number}".replace(" ", "_")
        .replace("+", "_")
        .replace("/", "_")
        .replace("^", "_")
    )
    fields = {
        "x-correlation-id": name,
        "x-trunkline-timeout": str(deadline_s),
        "content-type": "application/json",
    }
    if case.fault:
        fields["x-sim-fault"] = case.fault
    answer, begun = None, time.monotonic()
    try:
        target, body = (part.replace("{place}", case.place) for part in (form.target, form.body.decode()))
        answer = gateway.call(form.method, target, body.encode() or None, fields, timeout_s=deadline_s * 4)
        outcome = _outcome(form, answer)
    except Cut:
        outcome = CUT
    except TimeoutError:
        outcome = "hung"
    return Tried(case, form, name, outcome, time.monotonic() - begun, answer)


def _outcome(form: Form, answer: Answer) -> str:
    if _normalized(answer):  # also inside a 200, as the vendor told it
        return ERROR
    if answer.status >= 300:
        return "unshaped"
    if form.kind == "stream":
        last = answer.body.rstrip().rpartition(b"\n\n")[2]
        if b"correlationId" in last:
            return EVENT
        return GOOD if form.end in last or form.end in answer.body[-2000:] else "silent"
    if form.kind == "model":
        return GOOD if form.end in answer.body else ODD
    return GOOD if answer.body else ODD


def _normalized(answer: Answer) -> bool:
    try:
        told = error_of(answer)
    except (ValueError, AttributeError):
        return False
    wanted = {"code", "message", "source", "retryable", "correlationId", "attempts"}
    return set(told) >= wanted and told["correlationId"] == answer.field("x-correlation-id")


def _allowed(one: Tried) -> frozenset[str]:
    if one.case.id == "F30" and one.form.acts:
        return frozenset(
            (GOOD, ERROR)
        )  # written to a connection that was just being closed: it may have acted
    return {"model": one.case.model, "stream": one.case.stream, "plain": one.case.plain}[one.form.kind]


_STATES = {
    GOOD: {"ok"},
    ODD: {"ok"},
    ERROR: {"error", "outcome_unknown"},
    EVENT: {"truncated"},
    CUT: {"truncated", "error", "outcome_unknown"},
}


def _check_records(gateway: Trunkline, found: Matrix) -> None:
    """Each call stands in the journal once, with the end that its caller saw and without a secret."""
    wanted = {one.id: one for one in found.tried}

    def ended() -> dict[str, list[Call]] | None:
        by_id: dict[str, list[Call]] = {}
        for call in gateway.calls().values():
            if call.begins and call.begin.correlation_id in wanted:
                by_id.setdefault(call.begin.correlation_id, []).append(call)
        return (
            by_id if len(by_id) == len(wanted) and all(c.ends for cs in by_id.values() for c in cs) else None
        )

    for name, calls in eventually(ended, "a record of every call").items():
        one, end = wanted[name], calls[0].end
        if (
            len(calls) != 1
            or len(calls[0].ends) != 1
            or end.state not in _STATES.get(one.outcome, {end.state})
        ):
            found.misrecorded.append(f"{one!r}: {[c.end.state for c in calls]}")
        if end.input_tokens < -1 or end.output_tokens < -1:  # -1: unknown
            found.misrecorded.append(f"{one!r}: {end.input_tokens} and {end.output_tokens} tokens")
        text = repr(calls) + repr(one.answer)
        found.leaking += [f"{one!r}: {name}" for name, secret in SECRETS.items() if secret in text]


def _check_attempts(simulator: SimulatorProcess, found: Matrix) -> None:
    acts = {one.id for one in found.tried if one.form.acts}
    entries: dict[str, list[Any]] = {}
    for entry in simulator.ledger():
        entries.setdefault(entry.correlation_id, []).append(entry)
    for name, seen in entries.items():
        if len(seen) > 4:
            found.repeated.append(f"{name}: {len(seen)} attempts")
        if name in acts and any(entry.status != 429 for entry in seen[:-1]):
            found.repeated.append(f"{name}: an act, {[entry.status for entry in seen]}")


def pass_once(gateway: Trunkline, simulator: SimulatorProcess) -> list[str]:
    """Each fault that may pass strikes the first attempt of each model call only; lists the callers that noticed."""
    noticed = []
    for fault, form in itertools.product(PASSING, FORMS):
        if form.kind == "plain" or (form.kind == "stream" and fault in ("reset_mid", "fin_mid", "bad_json")):
            continue  # a stream that has begun cannot be begun again
        simulator.fault(fault, times=1)
        one = _try(gateway, _case("once", "", GOOD, GOOD, GOOD), form, next(_numbers), DEADLINE_S)
        simulator.no_faults()
        attempts = one.answer.field("x-trunkline-attempts") if one.answer is not None else None
        if (one.outcome, attempts) != (GOOD, "2"):
            noticed.append(f"{fault}: {one!r}, attempts {attempts}")
    return noticed


_numbers = itertools.count()


def files_open(pid: int) -> int:
    """Open descriptors of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def settled_files(pid: int, before: int, limit_s: float = 20.0) -> int:
    """Open descriptors once they are as few as before, or after a time."""
    until = time.monotonic() + limit_s
    while (now := files_open(pid)) > before and time.monotonic() < until:
        time.sleep(STEP_S)
    return now


def per_fault(found: Matrix) -> dict[str, list[Tried]]:
    """The calls of each fault of the battery, by its id."""
    groups: dict[str, list[Tried]] = {}
    for one in found.tried:
        for name in re.findall(r"F\d+", one.case.id):
            groups.setdefault(name, []).append(one)
    return groups


def tally(found: Matrix) -> str:
    """How often each end came."""
    return ", ".join(
        f"{count} {outcome}" for outcome, count in Counter(one.outcome for one in found.tried).most_common()
    )
