"""S1 through the whole gateway: every raw request of the wire's table, made a call to a vendor who records what arrives.

The verdict of each alone is the table's own test (`tests/wire_table`). Here counts the sum: what the caller was told to have been
accepted is exactly what the vendor saw, so that no byte is a request to one and a body to the other.
"""

from __future__ import annotations

import re
import socket
import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.gateway import Trunkline
from tests.support.site import Seen, Site

TABLE = Path(__file__).parents[1] / "wire_table" / "requests.toml"
_REPEAT = re.compile(r"\{(.+?)\*(\d+)\}", re.DOTALL)
_FIRST = re.compile(rb"^([\r\n]*[^ \r\n]+[ \t]+)(https?://[^/?# ]*)?(/[^\s]*|(?= ))", re.IGNORECASE)
_NEXT = re.compile(rb"(?<=\r\n\r\n)((?:GET|POST|PUT|HEAD) )(/\S*)( HTTP/1\.[01]\r\n)")
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
PREFIX = b"/api/proxy/site"


@dataclass
class Verdict:
    """What the corpus led to."""

    sent: int = 0
    accepted: int = 0
    """Requests that the callers were told to have been carried out."""
    seen: int = 0
    """Requests at the vendor."""
    desynchronised: list[str] = field(default_factory=list)
    """Cases in which the two differ, or in which the vendor saw a request that nobody sent."""
    lenient: list[str] = field(default_factory=list)
    """Refused by the table and accepted here."""
    strict: list[str] = field(default_factory=list)
    """Accepted by the table and refused here: a proxied path may mean less than a path may."""


def cases() -> list[dict[str, Any]]:
    """The table, without what no socket can tell within a second: bodies that stay incomplete."""
    found: list[dict[str, Any]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["case"]
    return [case for case in found if case["want"] != [100]]


def proxied(case: dict[str, Any], key: str) -> bytes:
    """The raw request with its paths below an integration, and with the key."""
    data = _REPEAT.sub(lambda hit: hit[1] * int(hit[2]), case["raw"]).encode("latin-1")
    data = _FIRST.sub(rb"\1\2" + PREFIX + rb"\3", data, count=1)
    data = _NEXT.sub(rb"\1" + PREFIX + rb"\2\3", data)
    field_ = f"x-trunkline-key: {key}\r\n".encode()
    return re.sub(rb"( HTTP/1\.[01]\r\n)(?=[!-9;-~]+:)", rb"\1" + field_, data)


def try_all(trunkline: Trunkline, site: Site) -> Verdict:
    """Each on a connection of its own."""
    verdict = Verdict()
    for case in cases():
        site.seen.clear()
        told = _statuses(_exchange(trunkline.port, proxied(case, trunkline.key)))
        accepted, wanted = told.count(200), case["want"].count(200)
        verdict.sent += 1
        verdict.accepted += accepted
        verdict.seen += len(site.seen)
        if accepted != len(site.seen) or any(_odd(seen) for seen in site.seen):
            verdict.desynchronised.append(f"{case['name']}: {told}, {[seen.line for seen in site.seen]}")
        elif accepted > wanted:
            verdict.lenient.append(f"{case['name']}: {told}")
        elif accepted < wanted:
            verdict.strict.append(case["name"])
    return verdict


def _odd(seen: Seen) -> bool:
    """A request at the vendor that is no call of ours: outside of the address, or with framing that could be read in two ways."""
    both = {"content-length", "transfer-encoding"} <= seen.names
    lengths = [name for name, _ in seen.fields if name.lower() == "content-length"]
    return both or len(lengths) > 1 or not seen.target.startswith("/base")


def _exchange(port: int, data: bytes) -> bytes:
    """Sends, half-closes, and reads to the end."""
    out = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock, suppress(OSError):
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        while piece := sock.recv(65536):
            out += piece
    return bytes(out)


def _statuses(data: bytes) -> list[int]:
    """Final statuses. The vendor's answers are all the same short JSON, so that none can look like a status line."""
    return [int(hit[1]) for hit in _STATUS.finditer(data) if not hit[1].startswith(b"1")]
