"""Content blocks of Anthropic Messages, read into canonical parts: of requests and of answers.

Source: docs.claude.com/en/api/messages.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import (
    CacheMark,
    Citation,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Untranslatable,
)
from trunkline.plugins.adapters.carrier import read_thought, unpack
from trunkline.plugins.adapters.count import count
from trunkline.plugins.adapters.members import an_object, json_text, take_bool, take_text

OWN = "anthropic-messages"
Part = Text | Refusal | Media | Reasoning | ToolCall | ToolResult | Opaque


def read_blocks(content: Any, where: str) -> list[Part]:
    """`content`, a text or a list of blocks. Raises Untranslatable."""
    if isinstance(content, str):
        return [Text(text=content)]
    if isinstance(content, list) and len(content) == 1 and _is_plain(content[0]):
        return [Text(text=content[0]["text"])]
    if not isinstance(content, list):
        raise Untranslatable(f"`{where}` is neither text nor a list of blocks")
    parts: list[Part] = []
    signatures: dict[str, str] = {}
    for one in content:
        part = read_block(an_object(one, where), where)
        if isinstance(part, Reasoning) and "call" in part.extra:
            signatures[part.extra["call"]] = part.signature
        else:
            parts.append(part)
    if signatures:
        for part in parts:
            if isinstance(part, ToolCall):
                part.signature = signatures.get(part.id, "")
    return parts


def _is_plain(block: Any) -> bool:
    """Whether a block is a text and nothing else, as most are."""
    return (
        isinstance(block, dict)
        and len(block) == 2
        and block.get("type") == "text"
        and isinstance(block.get("text"), str)
    )


def read_block(said: dict[str, Any], where: str) -> Part:
    """One block."""
    whole = dict(said)
    kind = said.pop("type", "")
    cache = cache_mark(said)
    if kind == "text":
        text = take_text(said, "text")
        form = (said.pop("citations"),) if "citations" in said else None
        noted = form[0] if form else None
        cited = [citation(one) for one in noted if isinstance(one, dict)] if isinstance(noted, list) else []
        return Text(text=text, citations=cited, cache=cache, extra=said, form=form)
    if kind == "tool_use":
        given = said.pop("input", {})
        return ToolCall(
            id=take_text(said, "id"),
            name=take_text(said, "name"),
            arguments=json_text(given),
            cache=cache,
            extra=said,
        )
    if kind == "tool_result":
        return _result(said, cache, where)
    if kind == "thinking":
        return thought(take_text(said, "thinking"), take_text(said, "signature"))
    if kind == "redacted_thinking":
        data = take_text(said, "data")
        if unpack(data) is not None:
            return thought("", data)
        return Reasoning(sealed=data, origin=OWN)
    if kind == "search_result":
        return _search_result(said, whole, cache)
    if kind in ("image", "document"):
        found = _media(kind, said, cache, where)
        if found is not None:
            return found
    return Opaque(dialect=OWN, value=whole)


def thought(text: str, signature: str) -> Reasoning:
    """A thinking block. One that only carries the signature of a call says so in `extra`."""
    carried = unpack(signature)
    if carried is not None and carried.c:
        return Reasoning(signature=carried.g, origin=carried.o, extra={"call": carried.c})
    return read_thought(text, signature, OWN)


def cache_mark(said: dict[str, Any]) -> CacheMark | None:
    """`cache_control`."""
    mark = said.pop("cache_control", None)
    return CacheMark(ttl=str(mark.get("ttl") or "")) if isinstance(mark, dict) else None


def _result(said: dict[str, Any], cache: CacheMark | None, where: str) -> ToolResult:
    given = said.pop("content", None)
    failed = take_bool(said, "is_error")
    result = ToolResult(id=take_text(said, "tool_use_id"), failed=failed is True, cache=cache, extra=said)
    result.form = ("absent" if given is None else "text" if isinstance(given, str) else "blocks", failed)
    if given:
        result.parts = [p for p in read_blocks(given, where) if isinstance(p, Text | Media | Opaque)]
    return result


def _media(kind: str, said: dict[str, Any], cache: CacheMark | None, where: str) -> Media | None:
    source = an_object(said.pop("source", None), f"{where}.source")
    sort = source.get("type")
    found = Media(kind="image" if kind == "image" else "document", cache=cache, extra=said)
    found.title = take_text(said, "title")
    cited = said.get("citations")
    if isinstance(cited, dict) and cited.keys() == {"enabled"}:
        found.cited = cited["enabled"] is True
        if found.cited:
            del said["citations"]
    found.mime = str(source.get("media_type") or "")
    if sort == "base64":
        found.data = str(source.get("data") or "")
    elif sort == "url":
        found.url = str(source.get("url") or "")
    elif sort == "file":
        found.file = str(source.get("file_id") or "")
    elif sort == "text":
        found.text = str(source.get("data") or "")
    elif sort == "content" and (words := _words(source.get("content"))):
        found.text, found.form = words, source
    else:
        return None
    return found


def _search_result(said: dict[str, Any], whole: dict[str, Any], cache: CacheMark | None) -> Media | Opaque:
    """What a caller's own search found is a document for all others; its `form` is the block."""
    words = _words(said.get("content"))
    if not words:
        return Opaque(dialect=OWN, value=whole)
    title, source = str(said.get("title") or ""), str(said.get("source") or "")
    found = Media(kind="document", text=words, title=f"{title} ({source})" if title else source)
    found.cited = said.get("citations") == {"enabled": True}
    found.cache, found.form = cache, whole
    return found


def _words(content: Any) -> str:
    """Content that is nothing but text; else empty."""
    listed = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and one.get("type") == "text" and isinstance(one.get("text"), str)
        for one in listed
    ):
        return ""
    return "\n".join(one["text"] for one in listed)


def citation(said: dict[str, Any]) -> Citation:
    """One of a text's citations."""
    kind = said.get("type", "")
    return Citation(
        kind="url" if kind == "web_search_result_location" else "document",
        url=str(said.get("url") or said.get("source") or ""),
        title=str(said.get("title") or said.get("document_title") or ""),
        quote=str(said.get("cited_text") or ""),
        document=count(said.get("document_index")),
        extra=said,
    )
