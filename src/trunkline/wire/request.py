"""One request as the server's wire hands it on: checked, framed, names lower-cased.

Not for: judging it (`guard`), reading it (`head`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.wire.body import BodyStream


class Request(msgspec.Struct, eq=False):
    """One request. `minor` and what follows it is framing that the wire itself needs.

    `headers` keep order and repetitions, names lower-cased, values without surrounding whitespace; `fields` are the same
    with the first value winning. Requests with the same head share both, so they are for reading only, and may lack
    Content-Length. `memo` is shared likewise: there the app may keep what it derived from the head, for as long as the
    client repeats it on the same connection. `body` is the whole body when `stream` is None, else what had been read when
    it was handed on. `length` is the declared content length, 0 without a body, None when chunked. `minor` is the y of
    HTTP/1.y. `persistent` says whether the client wants the connection kept, `expects` whether it waits for 100 (Continue).
    """

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    fields: dict[bytes, bytes]
    minor: int = 1
    body: bytes = b""
    stream: BodyStream | None = None
    peer: str = ""
    secure: bool = False
    length: int | None = 0
    persistent: bool = True
    expects: bool = False
    memo: dict[str, Any] = {}

    def __repr__(self) -> str:
        """Method and path only: queries and fields may hold secrets."""
        return f"<Request {self.method} {self.target.partition(b'?')[0].decode('ascii', 'replace')}>"
