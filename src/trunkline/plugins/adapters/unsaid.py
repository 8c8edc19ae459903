"""What is told of parts of a conversation, and of settings of a request, that a dialect has no words for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trunkline.core.conversation import Change, Media, Opaque, Request, Text

_NO_REQUEST = Request(dialect="")


def left_out(part: Media) -> str:
    """What the model reads in the place of what its interface does not take."""
    return f"[{part.kind} left out: this model's interface does not take it]"


def opaque_kind(part: Any) -> str:
    """What another dialect calls a part that only it knows."""
    value = part.value if isinstance(part, Opaque) else None
    return str(value.get("type", "part")) if isinstance(value, dict) else "part"


_NOTHING: tuple[Any, ...] = (None, [], {}, "")
"""SDKs send these back for what an answer did not say."""


def members_of(extra: dict[str, Any]) -> list[str]:
    """Names of what only one dialect says, as far as it says anything; those within a function stand for themselves."""
    inner = extra.get("function")
    found = [name for name, value in extra.items() if value not in _NOTHING and name != "function"]
    return found + (members_of(inner) if isinstance(inner, dict) else [])


def unsaid(part: Text | Media) -> list[str]:
    """Members of a part, beside those that only its own dialect has, that requests of other dialects have no place for."""
    if isinstance(part, Media):
        return list(part.extra)
    return [
        *part.extra,
        *(["citations"] if part.citations else []),
        *(["signature"] if part.signature else []),
    ]


def unsaid_settings(request: Request, names: Iterable[str]) -> list[Change]:
    """Those of the named settings that a request has, with kinds of answer other than text, and beta flags: all dropped."""
    return [
        *(Change("dropped", name) for name in names if _says(name, getattr(request, name))),
        *(Change("dropped", "modalities", kind) for kind in request.modalities if kind != "text"),
        *(Change("dropped", "anthropic-beta", beta) for beta in request.betas if beta),
    ]


def _says(name: str, value: Any) -> bool:
    """One answer, and nothing stored, is what a vendor without the setting does."""
    usual = (name == "n" and value == 1) or (name == "store" and value is False)
    return not usual and bool(value != getattr(_NO_REQUEST, name))
