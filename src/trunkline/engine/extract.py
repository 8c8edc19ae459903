"""What does a vendor's answer say? Finds message, codes, field and request id in header fields and whatever the body is; pure.

Not for: deciding what it means (`classify.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.service import ErrorShape
from trunkline.engine.facts import CODE, GRPC, MESSAGE_CHARS, Facts, brief, flat, unique
from trunkline.engine.json_error import from_tree, unwrapped
from trunkline.engine.markup_error import from_markup
from trunkline.engine.pointer import found, scalar

PARSED_BYTES = 1 << 20
"""A longer body is not parsed; its first `SEEN_BYTES` are looked at as text."""
SEEN_BYTES = 64 << 10

_ID_FIELDS = (
    b"x-request-id",
    b"request-id",
    b"x-amzn-requestid",
    b"x-amz-request-id",
    b"x-github-request-id",
    b"x-goog-request-id",
    b"apim-request-id",
    b"x-ms-request-id",
    b"dg-request-id",
    b"x-slack-req-id",
    b"x-notion-request-id",
    b"twilio-request-id",
    b"x-hubspot-correlation-id",
    b"x-shopify-request-id",
    b"x-correlation-id",
    b"x-trace-id",
    b"cf-ray",
)


def request_id(fields: Mapping[bytes, bytes], names: tuple[bytes, ...] = ()) -> str:
    """The vendor's own id of the request, from the header fields (`names` before the known ones)."""
    for name in names + _ID_FIELDS:
        value = fields.get(name)
        if value:
            return value.decode("latin-1")[:200]
    return ""


def read(shape: ErrorShape, fields: Mapping[bytes, bytes], body: bytes) -> Facts:
    """Everything that an answer says about a failure. Never raises."""
    kind = fields.get(b"content-type", b"").lower()
    facts = _from_body(kind, body)
    if isinstance(facts.tree, dict | list):
        facts = unwrapped(_by_shape(shape, facts))
    header_code = fields.get(b"x-amzn-errortype") or fields.get(b"x-error-code") or fields.get(b"dg-error")
    if header_code:
        code = header_code.decode("latin-1").split(":")[0].split("#")[-1].strip()
        if CODE.fullmatch(code):
            facts = facts._replace(codes=unique(code, *facts.codes), shape=facts.shape or "header")
    named = fields.get(b"x-error-message")
    if named and not facts.message:
        facts = facts._replace(message=named.decode("latin-1")[:MESSAGE_CHARS], shape=facts.shape or "header")
    grpc = fields.get(b"grpc-status", b"")
    if grpc.isdigit() and len(grpc) < 3 and int(grpc):
        text = fields.get(b"grpc-message", b"").decode("latin-1")
        facts = facts._replace(
            codes=unique(GRPC.get(int(grpc), ""), *facts.codes),
            message=facts.message or text[:MESSAGE_CHARS],
            shape=facts.shape or "grpc",
        )
    return facts


def _from_body(kind: bytes, body: bytes) -> Facts:
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return Facts()
    if start[:1] in (b"{", b"[", b'"') and len(body) <= PARSED_BYTES:
        try:
            return from_tree(from_json(body.removeprefix(b"\xef\xbb\xbf")), b"problem+json" in kind)
        except (DecodeError, RecursionError, UnicodeError):
            pass
    text = body[:SEEN_BYTES].decode("utf-8", "replace").strip()
    if start[:1] == b"<":
        return from_markup(text)
    if start[:1] in (b"{", b"["):
        return Facts(message=brief(text))
    if len(text) <= 1000 and b"\x00" not in body[:SEEN_BYTES]:
        return Facts("text", message=brief(text))
    return Facts(message=brief(text))


def _by_shape(shape: ErrorShape, facts: Facts) -> Facts:
    """Lets the vendor's own pointers overrule what was found by general rules."""

    def first(pointers: list[str]) -> str:
        return next((s for p in pointers for v in found(facts.tree, p) if (s := flat(v))), "")

    message, param, identity = first(shape.message), first(shape.param), first(shape.request_id)
    codes = [
        scalar(v)
        for p in (*shape.code, *shape.type)
        for v in found(facts.tree, p)
        if not isinstance(v, dict | list)
    ]
    if not message and not codes:
        return facts._replace(param=param or facts.param, request_id=identity or facts.request_id)
    return facts._replace(
        shape="vendor",
        message=message[:MESSAGE_CHARS] or facts.message,
        codes=unique(*codes, *facts.codes),
        param=param or facts.param,
        request_id=identity or facts.request_id,
    )
