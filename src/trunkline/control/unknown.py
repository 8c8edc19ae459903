"""Calls of unknown outcome, for people: what to look for at the vendor, and saying what was found.

A resolution is an audit row, columns of the call in the ledger, and a line in `resolutions`, which the gateway watches: from then on a
repeat under the same key is made or refused accordingly. Not for: which calls are open (`ledger/unknown.py`).
"""

from __future__ import annotations

import hmac
import time
from typing import Any

from trunkline.control import audit, published
from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.idempotency import RESOLUTIONS, Resolution, minted, scope_of
from trunkline.core.service import Service
from trunkline.journal import answer_segment
from trunkline.journal.answers import Answers

KEPT_S = 40 * 86400.0
"""A line of `resolutions` is dropped after this time, when no key that it could matter for is alive."""
LONGEST_NOTE = 2000


class UnknownProblem(Exception):
    """A call cannot be resolved; says why and the cure."""


def find(state: State, selector: str) -> dict[str, Any]:
    """The call with this call id or correlation id, as the ledger has it. Raises UnknownProblem."""
    from trunkline.ledger.query import Ledger

    ledger = Ledger(state.ledger)
    try:
        call = ledger.call(selector)
    finally:
        ledger.close()
    if call is None:
        raise UnknownProblem(
            f"There is no call {selector!r}. `trunkline unknown list` shows those that are open."
        )
    return call


def resolve(
    state: State,
    selector: str,
    resolution: Resolution,
    *,
    note: str = "",
    actor: str = "cli",
    now: float | None = None,
) -> dict[str, Any]:
    """Says what became of a call; answers with the call as it is then. Saying it again replaces it. Raises UnknownProblem."""
    from trunkline.ledger import unknown

    at = time.time() if now is None else now
    call = find(state, selector)
    _judge(call, resolution, note)
    call_id = call["call_id"]
    detail = {
        "as": resolution,
        "note": note,
        "integration": call["integration"],
        "operation": call["operation"],
    }
    audit.append(state, actor, "unknown.resolve", call_id, detail)
    _tell_gateway(state, call_id, resolution, at)
    written = unknown.resolve(
        state.ledger, call["begun_us"], call_id, resolution, by=actor, note=note, now_us=int(at * 1e6)
    )
    if not written:
        raise UnknownProblem(
            f"The call {call_id} is not in the ledger any more; its key is resolved all the same."
        )
    return find(state, call_id)


def described(state: State, call: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """The call, and `look_for`: what a person needs to find it at its vendor. With `key`: whether that is the call's own key."""
    snapshot = published.read_snapshot(state)
    services = {service.name: service for service in snapshot.services} if snapshot is not None else {}
    integration = str(call["target"] or call["integration"]).partition("/")[0]
    service = services.get(integration)
    look_for = {
        "integration": integration,
        "account": call["attempts"][-1]["credential"] if call["attempts"] else call["credential"],
        "operation": call["operation"],
        "request": f"{call['method']} {call['path']}",
        "body_bytes": call["bytes_in"],
        "sent_at": [_sent_at(call, attempt) for attempt in call["attempts"] if attempt["sent"]],
        "correlation_id": call["correlation_id"],
        "vendor_request_ids": [a["vendor_request_id"] for a in call["attempts"] if a["vendor_request_id"]],
        "status_page": service.status_page if service is not None else "",
    }
    return {**call, "look_for": {**look_for, "idempotency": _idempotency(state, call, service, key)}}


def _judge(call: dict[str, Any], resolution: str, note: str) -> None:
    call_id = call["call_id"]
    if resolution not in RESOLUTIONS:
        raise UnknownProblem(f"{resolution!r} is no resolution; give {', '.join(RESOLUTIONS)}.")
    if len(note) > LONGEST_NOTE:
        raise UnknownProblem(f"The note has {len(note)} characters; at most {LONGEST_NOTE} are kept.")
    if call["state"] == "running":
        raise UnknownProblem(f"The call {call_id} still runs; wait for its end.")
    if not call["acts"]:
        raise UnknownProblem(f"The call {call_id} could be repeated freely; nothing about it is in doubt.")
    if call["state"] == "ok" or not any(attempt["sent"] for attempt in call["attempts"]):
        how = "was answered" if call["state"] == "ok" else "never reached its vendor"
        raise UnknownProblem(f"The call {call_id} {how}; nothing about it is in doubt.")


def _tell_gateway(state: State, call_id: str, resolution: str, at: float) -> None:
    with state.lock("resolutions.lock"):
        lines = [line for line in _lines(state) if line["at"] > at - KEPT_S and line["call"] != call_id]
        lines.append({"at": at, "call": call_id, "as": resolution})
        state.write(state.resolutions, b"".join(codec.to_json(line) + b"\n" for line in lines))


def _lines(state: State) -> list[dict[str, Any]]:
    try:
        texts = state.resolutions.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for text in texts:
        try:
            line = codec.from_json(text)
        except codec.DecodeError:
            continue
        if isinstance(line, dict) and isinstance(line.get("at"), (int, float)) and "call" in line:
            found.append(line)
    return found


def _sent_at(call: dict[str, Any], attempt: dict[str, Any]) -> str:
    from trunkline.ledger.days import rfc3339

    return rfc3339(call["begun_us"] + attempt["offset_us"])


def _idempotency(
    state: State, call: dict[str, Any], service: Service | None, key: str | None
) -> dict[str, Any]:
    """Which key went to the vendor, if any: one of ours is told, of a caller's only its keyed hash is known."""
    notes = dict(note.partition("=")[::2] for note in call["notes"])
    header = service.idempotency.header if service is not None and service.idempotency is not None else ""
    hash_ = notes.get("key", "")
    if not hash_ and notes.get("idempotency") != "minted":
        head = answer_segment.of_call(state.answers, call["call_id"])
        hash_ = head.mark.hex() if head is not None else ""
    found: dict[str, Any] = {"header": header, "key": None, "key_hash": hash_ or None, "key_matches": None}
    if hash_:
        if key is not None:
            found["key_matches"] = hmac.compare_digest(_hash(state, call, key), hash_)
    elif notes.get("idempotency") == "minted" or (header and _takes_key(service, call["operation"])):
        found["key"] = minted(call["call_id"])
    return found


def _takes_key(service: Service | None, operation: str) -> bool:
    return service is not None and any(
        one.name == operation and one.repeat == "with_key" for one in service.operations
    )


def _hash(state: State, call: dict[str, Any], key: str) -> str:
    """The hash under which the gateway keeps this key of this caller."""
    store = Answers(state.answers, state.keys["answer_key"], background=False)
    scope = scope_of(call["team"], call["key_id"], "", call["integration"], call["operation"])
    return store.mark(*scope, key.encode()).hex()
