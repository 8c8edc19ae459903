"""The control API under `/_sim`: the ledger to read, and faults, latency, credentials and the listener to steer.

Not for: vendors' answers. It asks for no credential; the simulator listens on loopback and holds nothing of worth.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from trunkline.core import codec
from trunkline.simulator import altered, corpus, wire_faults
from trunkline.simulator.failures import Failure, Refusal, failure_reply, refuse
from trunkline.simulator.faults import Rule
from trunkline.simulator.latency import Latency
from trunkline.simulator.ledger import KEPT
from trunkline.simulator.reply import Reply, json_reply
from trunkline.simulator.request import BadBody, Request
from trunkline.simulator.vendors import PROFILES

if TYPE_CHECKING:
    from trunkline.simulator.server import Simulator


class Control:
    """Answers `/_sim/...` for one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._routes = {
            "GET ledger": self._ledger,
            "DELETE ledger": self._clear_ledger,
            "GET state": self._state,
            "GET faults": self._list_faults,
            "POST faults": self._add_fault,
            "DELETE faults": self._remove_faults,
            "POST latency": self._set_latency,
            "DELETE latency": self._clear_latency,
            "POST credentials": self._set_credentials,
            "POST listener": self._set_listener,
            "POST connections": self._drop_connections,
            "POST reset": self._reset,
        }

    def answer(self, request: Request) -> Reply:
        """Never raises; an unknown route or a bad body is told with what would be right."""
        segments = request.segments
        route = self._routes.get(f"{request.method} {segments[0] if segments else 'state'}")
        try:
            if route is None:
                raise refuse(
                    404,
                    f"No {request.method} {request.path} here; there are: {', '.join(self._routes)}.",
                    "not_found",
                )
            return json_reply(route(request, segments))
        except Refusal as refusal:
            return failure_reply("generic", refusal.failure)
        except (BadBody, msgspec.ValidationError, ValueError) as error:
            return failure_reply("generic", Failure(400, str(error), "invalid"))

    def _ledger(self, request: Request, segments: list[str]) -> Any:
        query = request.query
        return self._simulator.ledger.read(
            int(query.get("since", 0)), query.get("vendor", ""), int(query.get("limit", KEPT))
        )

    def _clear_ledger(self, request: Request, segments: list[str]) -> Any:
        self._simulator.ledger.clear()
        return {"cleared": True}

    def _state(self, request: Request, segments: list[str]) -> Any:
        it = self._simulator
        return {
            "simulated": True,
            "pid": os.getpid(),
            "port": it.port,
            "root": it.root,
            "connections": {"open": len(it.connections), "accepted": it.accepted, "hung_up": it.hangups},
            "partial_heads": it.partial_heads,
            "requests": it.ledger.seq,
            "outcomes": dict(it.ledger.outcomes),
            "dropped_entries": it.ledger.dropped,
            "faults": it.faults.rules,
            "latency": it.latencies.rules,
            "credentials": it.credentials.described(),
            "vendors": sorted(PROFILES),
        }

    def _list_faults(self, request: Request, segments: list[str]) -> Any:
        known = sorted({*wire_faults.FAULTS, *altered.FAULTS, *corpus.names()})
        return {"faults": self._simulator.faults.rules, "known": known}

    def _add_fault(self, request: Request, segments: list[str]) -> Any:
        rule = self._simulator.faults.add(codec.json_decoder(Rule).decode(request.body))
        known = {*wire_faults.FAULTS, *altered.FAULTS, *corpus.names()}
        if rule.fault not in known:
            self._simulator.faults.remove(rule.id)
            raise refuse(
                400,
                f"There is no fault {rule.fault!r}; known are {', '.join(sorted(known))}.",
                "unknown_fault",
            )
        return rule

    def _remove_faults(self, request: Request, segments: list[str]) -> Any:
        return {"removed": self._simulator.faults.remove(int(segments[1]) if len(segments) > 1 else None)}

    def _set_latency(self, request: Request, segments: list[str]) -> Any:
        body = request.json()
        vendor = str(body.pop("vendor", "*"))
        self._simulator.latencies.rules[vendor] = msgspec.convert(body, Latency)
        return {"vendor": vendor, **body}

    def _clear_latency(self, request: Request, segments: list[str]) -> Any:
        self._simulator.latencies.rules.clear()
        return {"cleared": True}

    def _set_credentials(self, request: Request, segments: list[str]) -> Any:
        body = request.json()
        values = body.get("values", [body["value"]] if "value" in body else None)
        if not isinstance(body.get("vendor"), str) or not (values is None or isinstance(values, list)):
            raise BadBody(
                'Send {"vendor": name, "values": [accepted credentials]}; null instead of the list accepts any.'
            )
        self._simulator.credentials.accept(body["vendor"], values)
        return {"vendor": body["vendor"], "accepted": None if values is None else len(values)}

    def _set_listener(self, request: Request, segments: list[str]) -> Any:
        closed_ms = float(request.json().get("closed_ms", 1000))
        self._simulator.refuse_for(closed_ms / 1000)
        return {"closed_ms": closed_ms}

    def _drop_connections(self, request: Request, segments: list[str]) -> Any:
        return {
            "dropped": self._simulator.drop_connections(idle_only=bool(request.json().get("idle_only", True)))
        }

    def _reset(self, request: Request, segments: list[str]) -> Any:
        self._simulator.forget()
        return {"reset": True}
