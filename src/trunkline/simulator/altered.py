"""Well-formed replies with wrong content: broken JSON, HTML, missing ends, errors inside a 200, odd encodings, huge bodies.

Not for: bytes that break HTTP (`wire_faults.py`), nor errors that a vendor tells properly (`corpus.py`). All are pure:
(reply, fault, profile) in, reply out.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from trunkline.core import codec
from trunkline.simulator import corpus
from trunkline.simulator.failures import body_of, in_stream
from trunkline.simulator.faults import Fault
from trunkline.simulator.reply import Reply

if TYPE_CHECKING:
    from trunkline.simulator.vendors import Profile

Alteration = Callable[[Reply, Fault, "Profile"], Reply]

HTML = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>Simulated proxy page</h1></body></html>"


def _listed(reply: Reply) -> list[bytes]:
    return list(reply.pieces or ())


def truncate(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F15: a clean end without the terminal events; `events` = how many pieces are missing. A JSON body ends early."""
    if reply.pieces is None:
        reply.body = reply.body[: len(reply.body) // 2]
        return reply
    pieces = _listed(reply)
    reply.pieces = pieces[: max(len(pieces) - int(fault.number("events", reply.tail)), 0)]
    return reply


def error_after(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F17: after `events` pieces (half) comes the failure `error` (`overloaded`). A JSON reply is that error with status 200."""
    failure = corpus.named(profile, str(fault.args.get("error", "overloaded")))
    body = body_of(profile.shape, failure)
    if reply.pieces is None:
        reply.body = codec.to_json(body)
        return reply
    pieces = _listed(reply)
    kept = int(fault.number("events", len(pieces) // 2))
    reply.pieces = [*pieces[:kept], in_stream(reply.error_form, body)]
    return reply


def error_first(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F16: the failure comes after the first, harmless event, before any content."""
    return error_after(reply, Fault(fault.name, {"events": 1, **fault.args}), profile)


def bad_json(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F18: status 200 and JSON that is none; in a stream, the middle event is broken."""
    if reply.pieces is None:
        reply.body = reply.body[: len(reply.body) // 2] + b",,}"
        return reply
    pieces = _listed(reply)
    middle = len(pieces) // 2
    pieces[middle] = pieces[middle].rstrip(b"\n")[:-3] + b",,\n\n"
    reply.pieces = pieces
    return reply


def html(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F19: status 200 (or `status`) and a page of HTML."""
    return Reply(int(fault.number("status", 200)), HTML, "text/html; charset=utf-8")


def content_type(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F20: the right body under the wrong type; `-` sends none."""
    wrong = fault.text("type", "text/plain; charset=utf-8")
    reply.content_type = "" if wrong == "-" else wrong
    return reply


def _zeros(total: int) -> Iterator[bytes]:
    """Gzip of `total` zero bytes, made without compressing them all: one flushed block of 1 MiB, again and again."""
    block = bytes(1 << 20)
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = squeezer.compress(block) + squeezer.flush(zlib.Z_FULL_FLUSH)
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    checksum = 0
    for _ in range(max(total >> 20, 1)):
        checksum = zlib.crc32(block, checksum)
        yield packed
    size = max(total >> 20, 1) << 20
    yield b"\x03\0" + checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


def gzip_bomb(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F21: a few MB of gzip that unpack to `bytes` (10 GiB)."""
    reply.pieces, reply.length = _zeros(int(fault.number("bytes", 10 << 30))), None
    reply.fields = (*reply.fields, ("content-encoding", "gzip"))
    return reply


def _filler(total: int) -> Iterator[bytes]:
    start, end, block = b'{"filler":"', b'"}', b"a" * 65536
    left = max(total - len(start) - len(end), 0)
    yield start
    while left > 0:
        yield block[: min(left, len(block))]
        left -= len(block)
    yield end


def huge_body(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F22: valid JSON of `bytes` (1 GiB), with its length declared."""
    total = max(int(fault.number("bytes", 1 << 30)), 13)
    reply.pieces, reply.length, reply.content_type = _filler(total), total, "application/json"
    return reply


def many_headers(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F23: `n` (10,000) more header fields."""
    reply.fields = (
        *reply.fields,
        *((f"x-filler-{index}", "sim") for index in range(int(fault.number("n", 10_000)))),
    )
    return reply


def huge_header(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F23: one header field of `bytes` (1 MiB)."""
    reply.fields = (*reply.fields, ("x-filler", "a" * int(fault.number("bytes", 1 << 20))))
    return reply


def split_utf8(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F27: the body in chunks of `bytes` (3), so that characters and events are cut anywhere."""
    data = reply.body if reply.pieces is None else b"".join(reply.pieces)
    step = max(int(fault.number("bytes", 3)), 1)
    reply.pieces, reply.length = [data[start : start + step] for start in range(0, len(data), step)], None
    return reply


def mixed_newlines(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F27: events whose lines end in turn with CRLF, LF and CR, all of which the format allows. Only in streams."""
    if reply.pieces is None:
        return reply
    endings = (b"\r\n", b"\n", b"\r")
    reply.pieces = [piece.replace(b"\n", endings[number % 3]) for number, piece in enumerate(_listed(reply))]
    return reply


def long_line(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F28: after the first event, one of `bytes` (10 MiB) in a single line. Only in streams."""
    if reply.pieces is None:
        return reply
    line = b'data: {"filler":"' + b"a" * int(fault.number("bytes", 10 << 20)) + b'"}\n\n'
    pieces = _listed(reply)
    reply.pieces = [*pieces[:1], line, *pieces[1:]]
    return reply


def comments(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """A comment line before each event, as vendors send to keep connections open: valid, content unchanged. Only in streams."""
    if reply.pieces is None:
        return reply
    reply.pieces = [b": keep-alive\n\n" + piece for piece in _listed(reply)]
    return reply


def _edit_json(reply: Reply, edit: Callable[[Any], None]) -> Reply:
    """Applies an edit to the JSON body, or to the JSON of each event."""

    def edited(data: bytes) -> bytes:
        try:
            value = codec.from_json(data)
        except codec.DecodeError:
            return data
        edit(value)
        return codec.to_json(value)

    if reply.pieces is None:
        reply.body = edited(reply.body)
        return reply
    reply.pieces = [
        b"\n".join(
            b"data: " + edited(line[6:]) if line.startswith(b"data: {") else line
            for line in piece.split(b"\n")
        )
        for piece in reply.pieces
    ]
    return reply


def usage(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """F29: `form` = `missing`, `negative` or `string` token counts."""
    form = fault.text("form", "missing")

    def edit(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                edit(item)
        elif isinstance(value, dict):
            for name in [name for name in value if name in ("usage", "usageMetadata")]:
                if form == "missing":
                    del value[name]
                elif isinstance(value[name], dict):
                    value[name] = {
                        key: (str(n) if form == "string" else -1) for key, n in value[name].items()
                    }
            for item in value.values():
                edit(item)

    return _edit_json(reply, edit)


def patch(reply: Reply, fault: Fault, profile: Profile) -> Reply:
    """Any change of content: `set` {"choices.0.finish_reason": value} and `remove` ["usage"], paths by dots, where they lead."""
    changes: dict[str, Any] = fault.args.get("set", {})
    removals: list[str] = fault.args.get("remove", [])

    def edit(value: Any) -> None:
        for path, new in changes.items():
            parent, last = _parent(value, path)
            if isinstance(parent, dict):
                parent[last] = new
            elif isinstance(parent, list) and last.isdigit() and int(last) < len(parent):
                parent[int(last)] = new
        for path in removals:
            parent, last = _parent(value, path)
            if isinstance(parent, dict):
                parent.pop(last, None)

    return _edit_json(reply, edit)


def _parent(value: Any, path: str) -> tuple[Any, str]:
    *steps, last = path.split(".")
    for step in steps:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value, last


FAULTS: dict[str, Alteration] = {
    function.__name__: function
    for function in (
        truncate, error_first, error_after, bad_json, html, content_type, gzip_bomb, huge_body, many_headers, huge_header,
        split_utf8, mixed_newlines, long_line, comments, usage, patch,
    )
}  # fmt: skip
