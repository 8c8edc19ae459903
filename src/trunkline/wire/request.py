"""One request as the server's wire hands it on: checked, framed, names lower-cased. Not for: judging it (`guard`), reading it (`head`)."""

from __future__ import annotations

from trunkline.wire.body import BodyStream


class Request:
    """One request. The first eight fields are for everyone; the rest is framing that the wire itself needs.

    `headers` keep order and repetitions, names lower-cased, values without surrounding whitespace; `fields` are the same with
    the first value winning. `body` is the whole body when `stream` is None, else what had been read when it was handed on.
    `length` is the declared content length, 0 without a body, None when chunked. `minor` is the y of HTTP/1.y.
    `persistent` says whether the client wants the connection kept, `expects` whether it waits for 100 (Continue).
    """

    __slots__ = (
        "body",
        "expects",
        "fields",
        "headers",
        "length",
        "method",
        "minor",
        "peer",
        "persistent",
        "secure",
        "stream",
        "target",
    )

    def __init__(
        self,
        method: str,
        target: bytes,
        minor: int,
        headers: list[tuple[bytes, bytes]],
        fields: dict[bytes, bytes],
    ) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        self.headers = headers
        self.fields = fields
        self.body = b""
        self.stream: BodyStream | None = None
        self.peer = ""
        self.secure = False
        self.length: int | None = 0
        self.persistent = True
        self.expects = False

    def __repr__(self) -> str:
        """Method and path only: queries and fields may hold secrets."""
        return f"<Request {self.method} {self.target.partition(b'?')[0].decode('ascii', 'replace')}>"
