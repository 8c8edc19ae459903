"""Items of OpenAI Responses, of input and of output, read into canonical messages and parts.

Source: platform.openai.com/docs/api-reference/responses. `form` keeps each item as it was, for callers' own dialect.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import (
    Citation,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Untranslatable,
)
from trunkline.plugins.adapters.carrier import unpack
from trunkline.plugins.adapters.chat.read_messages import located
from trunkline.plugins.adapters.count import count
from trunkline.plugins.adapters.members import an_object, take_text

OWN = "openai-responses"
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_ANSWERS = {"function_call_output": "function", "custom_tool_call_output": "custom"}


_IN_GROUP = "\x1f"


def in_group(namespace: str, name: str) -> str:
    """The canonical name of a tool that stands in a namespace; vendors without namespaces get one that fits them."""
    return f"{namespace}{_IN_GROUP}{name}" if namespace else name


def group_of(name: str) -> tuple[dict[str, str], str]:
    """What a call says of its tool's namespace, if it stands in one, and the tool's name there."""
    namespace, _, inner = name.rpartition(_IN_GROUP)
    return ({"namespace": namespace} if namespace else {}), inner


def read_items(items: list[Any]) -> list[Message]:
    """Input items as messages: thoughts, words and calls of one turn together. Raises Untranslatable."""
    out: list[Message] = []
    for n, one in enumerate(items):
        said = an_object(one, f"input[{n}]")
        role, parts = read_item(said, f"input[{n}]")
        joins = role in ("assistant", "tool") and out and out[-1].role == role
        if joins:
            out[-1].parts += parts
            out[-1].form.append(one)
        else:
            out.append(Message(role=role, parts=parts, form=[one]))
    for message in out:
        _sign(message)
    return out


def _sign(message: Message) -> None:
    """Signatures of calls, which travelled in thoughts of their own, go back to their calls."""
    signed = {
        p.extra["call"]: p.signature for p in message.parts if isinstance(p, Reasoning) and "call" in p.extra
    }
    if signed:
        message.parts = [p for p in message.parts if not (isinstance(p, Reasoning) and "call" in p.extra)]
        for part in message.parts:
            if isinstance(part, ToolCall):
                part.signature = signed.get(part.id, "")


def read_item(said: dict[str, Any], where: str) -> tuple[Any, list[Any]]:
    """One item: whose it is, and its parts."""
    kind = said.get("type", "message")
    if kind == "message":
        role = said.get("role")
        if role not in ("system", "developer", "user", "assistant"):
            raise Untranslatable(f"`{where}.role` is {str(role)[:40]!r}")
        return role, read_content(said.get("content"), f"{where}.content")
    if kind in _CALLS:
        name = in_group(take_text(dict(said), "namespace"), take_text(dict(said), "name"))
        call = ToolCall(id=take_text(dict(said), "call_id"), name=name)
        call.arguments = take_text(dict(said), _CALLS[kind])
        call.kind = "custom" if kind == "custom_tool_call" else "function"
        return "assistant", [call]
    if kind in _ANSWERS:
        result = ToolResult(id=take_text(dict(said), "call_id"), kind=_ANSWERS[kind])  # type: ignore[arg-type]
        parts = read_content(said.get("output"), f"{where}.output")
        result.parts = [part for part in parts if isinstance(part, Text | Media | Opaque)]
        return "tool", [result]
    if kind == "reasoning":
        return "assistant", [thought(said)]
    role = "tool" if str(kind).endswith("_output") else "assistant"
    return role, [Opaque(dialect=OWN, value=said)]


def thought(said: dict[str, Any]) -> Reasoning:
    """A reasoning item; one that carries another vendor's thoughts gives those."""
    words = [str(one.get("text") or "") for one in said.get("summary") or () if isinstance(one, dict)]
    text = "".join(str(one.get("text") or "") for one in said.get("content") or () if isinstance(one, dict))
    sealed = str(said.get("encrypted_content") or "")
    carried = unpack(sealed)
    if carried is None:
        return Reasoning(text=text, summary=words, sealed=sealed, id=str(said.get("id") or ""), origin=OWN)
    found = Reasoning(signature=carried.g, sealed=carried.s, id=carried.i, origin=carried.o)
    if carried.c:
        found.extra = {"call": carried.c}
    elif carried.m:
        found.summary = words
    else:
        found.text = text or "\n\n".join(words)
    return found


def read_content(value: Any, where: str) -> list[Any]:
    """Text, or a list of parts."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [Text(text=value)]
    if not isinstance(value, list):
        raise Untranslatable(f"`{where}` is neither text nor a list of parts")
    return [_part(an_object(one, where)) for one in value]


def _part(said: dict[str, Any]) -> Any:
    kind = said.get("type")
    if kind in ("input_text", "output_text", "text"):
        notes = [citation(one) for one in said.get("annotations") or () if isinstance(one, dict)]
        return Text(text=take_text(said, "text"), citations=notes)
    if kind == "refusal":
        return Refusal(text=take_text(said, "refusal"))
    if kind == "input_image":
        found = located("image", take_text(said, "image_url"))
        found.file, found.detail = take_text(said, "file_id"), take_text(said, "detail")
        return found
    if kind == "input_file":
        data = take_text(said, "file_data") or take_text(said, "file_url")
        linked = data.startswith(("data:", "http:", "https:"))
        found = located("document", data) if linked else Media(kind="document", data=data)
        found.file, found.title = take_text(said, "file_id"), take_text(said, "filename")
        return found
    if kind == "input_audio":
        inner = an_object(said.get("input_audio"), "input_audio")
        return Media(kind="audio", mime=f"audio/{inner.get('format', 'wav')}", data=take_text(inner, "data"))
    return Opaque(dialect=OWN, value=said)


def citation(said: dict[str, Any]) -> Citation:
    """One of `annotations`."""
    return Citation(
        kind="url" if said.get("url") else "file",
        url=str(said.get("url") or ""),
        title=str(said.get("title") or said.get("filename") or ""),
        start=count(said.get("start_index")),
        end=count(said.get("end_index")),
    )
