"""What a simulated vendor is handed: one whole request, split into the parts that vendors look at.

Not for: parsing bytes from the wire (`connection.py`), nor judging credentials (`credentials.py`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote

from trunkline.core import codec


class BadBody(Exception):
    """The body is not what the operation takes; the message says why, in the vendor's manner."""


class Request:
    """One request to one vendor. `path` is as sent, without the vendor's prefix; `fields` has lower-case names."""

    __slots__ = ("body", "body_bytes", "chunks", "fields", "method", "open", "path", "query_text", "vendor")

    def __init__(self, vendor: str, method: str, path: str, query_text: str, fields: dict[str, str]) -> None:
        self.vendor = vendor
        self.method = method
        self.path = path
        self.query_text = query_text
        self.fields = fields
        self.body = b""
        self.body_bytes = 0
        self.chunks = 0
        """In how many pieces a streamed text shall come; 0 leaves it to the vendor."""
        self.open = True
        """Whether its answer is still under way."""

    @property
    def query(self) -> dict[str, str]:
        """Decoded parameters of the query; the last of equal names wins."""
        return dict(parse_qsl(self.query_text, keep_blank_values=True))

    @property
    def segments(self) -> list[str]:
        """The path cut at slashes, each piece decoded."""
        return [unquote(piece) for piece in self.path.split("/") if piece]

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises BadBody."""
        try:
            value = codec.from_json(self.body or b"{}")
        except codec.DecodeError as error:
            raise BadBody(f"We could not parse the JSON body of your request: {error}") from None
        if not isinstance(value, dict):
            raise BadBody(f"The body must be a JSON object, not {type(value).__name__}.")
        return value
