"""Makes one call of a drill as a caller would, and tells what it saw.

Not for: judging it (`ops/drill/verdict.py`).
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from typing import Any

from trunkline.cli.drilling.stage import Stage
from trunkline.core import codec
from trunkline.ops.drill.samples import Sample
from trunkline.ops.drill.verdict import Ending, Seen

PATIENCE_S = 5.0
"""So long after its time a call counts as hung."""
SHOWN = 300
_OURS = frozenset(("code", "source", "correlationId"))


def made(stage: Stage, sample: Sample, asked: str, correlation_id: str, deadline_s: float) -> Seen:
    """One call to the copy named `asked`, read to its end."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=deadline_s + PATIENCE_S)
    fields = {"authorization": f"Bearer {stage.key}", "x-correlation-id": correlation_id}
    if sample.content_type and sample.body:
        fields["content-type"] = sample.content_type
    target = sample.path.replace("{name}", asked)
    body = sample.body.replace(b"{name}", asked.encode())
    told: dict[str, Any] = {"status": 0}
    try:
        connection.request(sample.method, target, body or None, fields)
        answer = connection.getresponse()
        told["status"] = answer.status
        told["fallback"] = answer.getheader("x-trunkline-fallback") or ""
        told["cache"] = answer.getheader("x-trunkline-cache") or ""
        content = answer.read()
        ending, code = _ending(content, answer.status)
        told |= {"code": code, "said": content[:SHOWN].decode("utf-8", "replace")}
    except TimeoutError:
        ending, told["said"] = "hung", f"no end within {deadline_s + PATIENCE_S:.1f} s"
    except (http.client.HTTPException, OSError) as problem:
        ending, told["said"] = "cut", f"{type(problem).__name__}: {problem}"[:SHOWN]
    finally:
        _closed(connection)
    took = time.monotonic() - begun
    return Seen(correlation_id=correlation_id, ending=ending, took_s=took, **told)


def _ending(body: bytes, status: int) -> tuple[Ending, str]:
    """How a whole answer is to be read, and the code if it is a failure."""
    told = error_of(body)
    if told:
        return "error", str(told.get("code", ""))
    if status < 400:
        last = body.rstrip().rpartition(b"\n\n")[2]
        for line in last.split(b"\n"):
            if line.startswith(b"data:") and (inside := error_of(line[5:])):
                return "event", str(inside.get("code", ""))
        return "answer", ""
    return "answer", ""


def error_of(body: bytes) -> dict[str, Any]:
    """Our fields of a failure, wherever the dialect holds them (engine/dialect_error.py); empty if it is none of ours."""
    try:
        told = codec.from_json(body)
    except codec.DecodeError:
        return {}
    if isinstance(told, list) and told:
        told = told[0]
    if not isinstance(told, dict):
        return {}
    inner = told.get("error")
    if not isinstance(inner, dict):
        inner = {}
    merged = {**inner, **{name: told[name] for name in _OURS if name in told}}
    return merged if merged.keys() >= _OURS else {}


def _closed(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()


def pause(seconds: float) -> None:
    """Lets time pass in a drill."""
    time.sleep(seconds)
