"""Messages of Ollama's requests, read into canonical ones. Its clients name no calls: a result belongs to the first call of its tool that
has none yet.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import to_json
from trunkline.core.conversation import (
    Media,
    Message,
    Part,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Untranslatable,
)
from trunkline.plugins.adapters.members import an_object, take_list, take_text
from trunkline.plugins.adapters.ollama_codec.read_reply import OWN

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_KINDS = {"iVBOR": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""How files of a kind begin in base64; vendors that are told of a wrong kind refuse."""


class Turns:
    """One request's messages, in their order."""

    def __init__(self) -> None:
        self._open: list[ToolCall] = []
        """Calls without a result so far."""
        self._made = 0

    def message(self, value: Any, n: int) -> Message:
        """Raises Untranslatable."""
        said = an_object(value, f"messages[{n}]")
        role = _ROLES.get(take_text(said, "role"))
        if role is None:
            known = ", ".join(_ROLES)
            raise Untranslatable(f"`messages[{n}].role` is none of {known}", "messages")
        blank = {name: one for name, one in said.items() if one in (None, "", [])}
        said = {name: one for name, one in said.items() if name not in blank}
        parts: list[Part] = []
        thought, text = take_text(said, "thinking"), take_text(said, "content")
        if thought:
            parts.append(Reasoning(text=thought, origin=OWN))
        if text:
            parts.append(Text(text=text))
        parts += [picture(one) for one in take_list(said, "images")]
        if role == "tool":
            parts = [self._result(said, parts)]
        elif role == "assistant":
            parts += [self._call(an_object(one, "tool_calls")) for one in take_list(said, "tool_calls")]
        return Message(role=role, parts=parts, extra=said, form=blank)

    def _call(self, said: dict[str, Any]) -> ToolCall:
        inner = an_object(said.pop("function", None), "tool_calls.function")
        given, arguments = take_text(said, "id"), inner.pop("arguments", None)
        self._made += 1
        call = ToolCall(
            id=given or f"call_{self._made}",
            name=take_text(inner, "name"),
            arguments=arguments if isinstance(arguments, str) else to_json(arguments or {}).decode(),
            extra={**said, **({"function": inner} if inner else {})},
            form=(bool(given), arguments),
        )
        self._open.append(call)
        return call

    def _result(self, said: dict[str, Any], parts: list[Part]) -> ToolResult:
        given, name = take_text(said, "tool_call_id"), take_text(said, "tool_name")
        fitting = [one for one in self._open if one.id == given or (not given and one.name == name)]
        found = fitting or ([] if given or name else self._open)
        made = found[0].id if found else f"call_of_{name}"
        if found:
            self._open.remove(found[0])
        kept = [part for part in parts if isinstance(part, Text | Media)]
        return ToolResult(id=given or made, name=name, parts=[*kept], form=bool(given))


def picture(data: Any) -> Media:
    """One of `images`."""
    if not isinstance(data, str):
        raise Untranslatable("`images` holds something else than base64", "messages")
    mime = next((mime for begin, mime in _KINDS.items() if data.startswith(begin)), "image/png")
    return Media(kind="image", mime=mime, data=data)
