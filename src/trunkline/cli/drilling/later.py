"""Proves that calls which a fallback deferred run once the vendor is back: lifts the faults, starts a worker, waits for the tasks.

Not for: calls whose vendor stays away in a drill (connections refused): of those only the acceptance is proved.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterable
from typing import Any

from trunkline.cli.drilling import calls
from trunkline.cli.drilling.stage import Stage
from trunkline.core import codec
from trunkline.core.deferral import ENDED
from trunkline.ops.drill.verdict import Check

PATIENCE_S = 40.0
"""A worker waits a few seconds between two tries."""
WORKER = "worker"
_TASK = re.compile(r"tsk_[0-9a-f]{32}")


def proved(stage: Stage, tasks: dict[str, str]) -> dict[str, Check]:
    """By call: whether its task (by id) came to a good end."""
    if not tasks:
        return {}
    stage.simulator.control("DELETE", "faults")
    stage.spawn(WORKER, "trunkline.worker")
    begun, ended = time.monotonic(), dict[str, Check]()
    while len(ended) < len(tasks) and time.monotonic() - begun < PATIENCE_S:
        for call, task in tasks.items():
            if call not in ended and (state := _state(stage, task)) in ENDED:
                said = f"the deferred call ended as {state}, {time.monotonic() - begun:.1f} s after the vendor was back"
                ended[call] = Check("ran later", state == "done", said)
        calls.pause(0.2)
    stage.stop(WORKER)
    late = f"the deferred call had not run {PATIENCE_S:g} s after the vendor was back"
    return {call: ended.get(call, Check("ran later", False, late)) for call in tasks}


def task_of(said: str) -> str:
    """The task in the begin of a 202; empty if there is none."""
    found = _TASK.search(said)
    return found[0] if found else ""


def _state(stage: Stage, task: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    try:
        connection.request("GET", f"/v1/tasks/{task}", headers={"authorization": f"Bearer {stage.key}"})
        told: Any = codec.from_json(connection.getresponse().read())
    except (OSError, http.client.HTTPException, codec.DecodeError):
        return ""
    finally:
        connection.close()
    shown = told.get("task") if isinstance(told, dict) else None
    return str(shown.get("state", "")) if isinstance(shown, dict) else ""


def deferred(seen: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Calls that were deferred, with their tasks, of (id, fallback, said)."""
    return {call: task for call, fallback, said in seen if fallback == "defer" and (task := task_of(said))}
