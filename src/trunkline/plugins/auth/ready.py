"""A signer whose contribution is known beforehand."""

from __future__ import annotations


class Ready:
    """Header lines and query that carry a credential; never shown."""

    __slots__ = ("fields", "query")

    def __init__(self, fields: bytes = b"", query: bytes = b"") -> None:
        self.fields = fields
        self.query = query

    def __repr__(self) -> str:
        return "Ready(***)"


def line(name: str, value: str) -> bytes:
    """One header line. Raises ValueError for a value that would end the line."""
    if not value.isprintable() or not value.isascii():
        raise ValueError(
            f"the credential holds characters that header {name!r} cannot carry (a line break at its end?)"
        )
    return f"{name.lower()}: {value}\r\n".encode()
