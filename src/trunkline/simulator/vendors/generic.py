"""A plain JSON API: things to create, read, change and delete at `/items`, and test paths for anything else.

`/echo` (and any path not named here) tells what arrived, without the credential; `/status/{n}`, `/delay/{ms}`, `/bytes/{n}`,
`/sse?n=&ms=`. It also stands in for vendors that have no code of their own. It honours no idempotency keys, on purpose: two
POSTs are two items.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from trunkline.core import codec
from trunkline.simulator import words
from trunkline.simulator.credentials import SECRET_FIELDS, without_secrets
from trunkline.simulator.failures import refuse
from trunkline.simulator.reply import Reply, data_event, json_reply, stream_reply
from trunkline.simulator.request import Request

_KEPT = 10_000
_SHOWN_BODY = 1 << 20


class Generic:
    """Keeps the newest items."""

    def __init__(self, name: str = "generic") -> None:
        self._name = name
        self._items: dict[str, dict[str, Any]] = {}
        self._made = 0

    def answer(self, request: Request) -> Reply:
        """Routes by the first segment that is a known word."""
        segments = request.segments
        for index, segment in enumerate(segments):
            rest = segments[index + 1 :]
            if segment == "items":
                return self._item(request, rest)
            if segment == "status" and rest and rest[0].isdigit():
                return _status(int(rest[0]))
            if segment == "delay" and rest:
                return _echo(request, self._name, first_ms=float(rest[0]))
            if segment == "bytes" and rest and rest[0].isdigit():
                return Reply(
                    200, b"", "application/octet-stream", pieces=_bytes(int(rest[0])), length=int(rest[0])
                )
            if segment == "sse":
                return _events(request)
        if self._name == "notion" and not request.fields.get("notion-version"):
            raise refuse(400, "Notion-Version header should be defined.", "missing_version")
        return _echo(request, self._name)

    def _item(self, request: Request, rest: list[str]) -> Reply:
        method = request.method
        if not rest:
            return self._create(request) if method == "POST" else self._list(request)
        item = self._items.get(rest[0])
        if item is None:
            raise refuse(404, f"There is no item {rest[0]!r}.", "not_found")
        if method == "DELETE":
            del self._items[rest[0]]
            return Reply(204, content_type="")
        if method in ("PUT", "PATCH", "POST"):
            item = {**(item if method != "PUT" else {}), **request.json(), "id": rest[0], "object": "item"}
            self._items[rest[0]] = item
        return json_reply(item)

    def _create(self, request: Request) -> Reply:
        body = request.json()
        self._made += 1
        identity = words.identifier("item_", request.body, str(self._made), size=20)
        if len(self._items) >= _KEPT:
            self._items.pop(next(iter(self._items)))
        self._items[identity] = {**body, "id": identity, "object": "item", "number": self._made}
        return json_reply(self._items[identity], 201, (("location", f"/items/{identity}"),))

    def _list(self, request: Request) -> Reply:
        query = request.query
        limit, after = int(query.get("limit", 20)), query.get("after", "")
        names = list(self._items)
        start = names.index(after) + 1 if after in self._items else 0
        chosen = names[start : start + limit]
        return json_reply(
            {"data": [self._items[name] for name in chosen], "has_more": start + limit < len(names)}
        )


def _status(status: int) -> Reply:
    if not 200 <= status <= 599:
        raise refuse(400, f"{status} is no final HTTP status.", "invalid")
    if status == 204:
        return Reply(204, content_type="")
    return json_reply({"status": status, "simulated": True}, status)


def _echo(request: Request, name: str, first_ms: float = 0.0) -> Reply:
    shown = request.body[:_SHOWN_BODY]
    try:
        body: Any = codec.from_json(shown) if shown else None
        text = ""
    except codec.DecodeError:
        body, text = None, shown.decode("utf-8", "replace")
    told = {
        "simulated": True,
        "vendor": name,
        "method": request.method,
        "path": request.path,
        "query": without_secrets(request.query_text),
        "headers": {key: value for key, value in request.fields.items() if key not in SECRET_FIELDS},
        "json": body,
        "text": text,
        "body_base64": base64.b64encode(shown).decode() if text and "\ufffd" in text else None,
        "body_bytes": request.body_bytes,
        "body_sha256": sha256(request.body).hexdigest(),
    }
    reply = json_reply(_enveloped(name, told))
    reply.first_ms = first_ms
    return reply


def _enveloped(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """Success as vendors dress it whose failures come with status 200 too."""
    if name == "slack":
        return {"ok": True, **value}
    if name == "infinisynapse":
        return {"code": 200, "message": "success", "data": value}
    return {"result": value, "status": "ok", "time": 0.0001} if name == "qdrant" else value


def _bytes(count: int) -> Iterator[bytes]:
    block = bytes(range(256)) * 256
    for start in range(0, count, len(block)):
        yield block[: min(len(block), count - start)]


def _events(request: Request) -> Reply:
    query = request.query
    count = int(query.get("n", 10))
    pad = "." * int(query.get("size", 0))
    pieces = (data_event({"index": index, "simulated": True, "pad": pad}) for index in range(count))
    reply = stream_reply([*pieces, data_event({"done": True})] if count < 10_000 else pieces, tail=1)
    reply.gap_ms = float(query.get("ms", 0))
    return reply
