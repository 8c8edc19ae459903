"""Whether a proxied path may go to a vendor: nothing that could leave the integration's own address or mean two things.

Pure. Not for: HTTP syntax of the request line (`wire/guard.py` has refused control characters and the like before).
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from trunkline.core.errors import CallError

_SUSPICIOUS = (b"%", b"..", b"//", b"\\", b"/.", b";")


def checked(path: bytes, *, encoded_slash: bool = False) -> bytes:
    """The path, unchanged, when it is safe. Raises CallError `invalid_request` naming the trick otherwise."""
    if not any(mark in path for mark in _SUSPICIOUS) and not path.startswith((b"/", b".")):
        return path
    if b"\\" in path:
        raise _refused("a backslash")
    if b"//" in path or path.startswith(b"/"):
        raise _refused("an empty segment (`//`)")
    for segment in path.split(b"/"):
        _check_segment(segment, encoded_slash)
    return path


def _check_segment(segment: bytes, encoded_slash: bool) -> None:
    decoded = segment
    for _ in range(3):
        _check_parts(decoded.split(b"/"))
        if b"%" not in decoded:
            return
        lower = decoded.lower()
        if b"%5c" in lower:
            raise _refused("an encoded backslash (`%5C`)")
        if b"%2f" in lower and not encoded_slash:
            raise _refused(
                "an encoded slash (`%2F`); set `encoded_slash: true` on the integration if its ids need it"
            )
        further = unquote_to_bytes(decoded)
        if any(byte < 0x20 or byte == 0x7F for byte in further):
            raise _refused("an encoded control character")
        if further == decoded:
            return
        try:
            further.decode()
        except UnicodeDecodeError:
            raise _refused("percent-encoded bytes that are not UTF-8") from None
        decoded = further
    raise _refused("percent-encoding of percent-encoding, layer upon layer")


def _check_parts(parts: list[bytes]) -> None:
    """What one segment is at the vendor: several, where it holds encoded slashes that are allowed."""
    if any(part.split(b";", 1)[0] in (b".", b"..") for part in parts):
        raise _refused("a dot segment (`.` or `..`)")
    if len(parts) > 1 and b"" in parts[:-1]:
        raise _refused("an empty segment between encoded slashes")


def _refused(what: str) -> CallError:
    return CallError(
        "invalid_request", f"the path holds {what}, which Trunkline does not send on", scope="path"
    )
