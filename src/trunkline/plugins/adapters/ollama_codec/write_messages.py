"""Messages for Ollama's `/api/chat`: a text, pictures beside it in bare base64, arguments of calls as objects, results by the tool's name.

They are written as those of OpenAI Chat first (`chat/write_messages.py`), which knows all that callers say, and put into Ollama's shape.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.conversation import Change, Message
from trunkline.plugins.adapters.chat.variants import OLLAMA_CHAT
from trunkline.plugins.adapters.chat.write_messages import Writing
from trunkline.plugins.adapters.fitting import Names


def messages_of(
    messages: list[Message], names: Names, model: str, changes: list[Change]
) -> list[dict[str, Any]]:
    """In their order."""
    called: dict[str, str] = {}
    told = Writing(OLLAMA_CHAT, names, changes, own=False, model=model).messages(messages)
    return [_shaped(one, called, changes) for one in told]


def _shaped(said: dict[str, Any], called: dict[str, str], changes: list[Change]) -> dict[str, Any]:
    """One message of Chat in Ollama's shape. `called`: names of tools by the ids of their calls so far."""
    text, pictures = _content(said.get("content"))
    out: dict[str, Any] = {"role": said["role"], "content": text}
    if said.get("reasoning"):
        out["thinking"] = said["reasoning"]
    if pictures:
        out["images"] = pictures
    for call in said.get("tool_calls") or ():
        inner = call["function"]
        called[call["id"]] = inner["name"]
        told = {"name": inner["name"], "arguments": _arguments(inner["arguments"], changes)}
        out.setdefault("tool_calls", []).append({"id": call["id"], "function": told})
    if said["role"] == "tool":
        given = said["tool_call_id"]
        out |= {"tool_name": called[given]} if given in called else {}
        out["tool_call_id"] = given
    return out


def _content(content: Any) -> tuple[str, list[str]]:
    """Its text, pieces on lines of their own, and its pictures."""
    if not isinstance(content, list):
        return content or "", []
    texts = [part["text"] for part in content if part["type"] == "text"]
    pictures = [part["image_url"] for part in content if part["type"] == "image_url"]
    urls = [one["url"] if isinstance(one, dict) else one for one in pictures]
    return "\n".join(texts), [url.partition(",")[2] for url in urls]


def _arguments(text: str, changes: list[Change]) -> Any:
    try:
        value = from_json(text) if text.strip() else {}
    except DecodeError:
        value = None
    if isinstance(value, dict):
        return value
    changes.append(Change("changed", "messages.tool_calls", "arguments that are no JSON object"))
    return {"arguments": text}
