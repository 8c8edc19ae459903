"""Whole answers of Cohere's Chat v2, read into the canonical form; and what streams have in common with them."""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Choice, Reply, Stop, TokenProb, Usage
from trunkline.core.conversation import Citation, Reasoning, Request, Text, ToolCall, Untranslatable
from trunkline.plugins.adapters.cohere_codec.write_request import DOCUMENT
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.fitting import own_name
from trunkline.plugins.adapters.members import an_object, take_list, whole_object

OWN = "cohere-chat"
STOPS: dict[str, Stop] = {
    "COMPLETE": "end",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool",
    "ERROR": "error",
    "TIMEOUT": "error",
}


def read_reply(body: bytes, asked: Request) -> Reply:
    """Raises Untranslatable."""
    said = whole_object(body)
    message = said.get("message")
    if not isinstance(message, dict):
        raise Untranslatable("`message` is missing")
    choice = Choice(parts=_parts(dict(message), asked), said=str(said.get("finish_reason") or ""))
    choice.stop = STOPS.get(choice.said, "end")
    choice.logprobs = [one for told in said.get("logprobs") or () for one in probabilities(told)]
    reply = Reply(dialect=OWN, id=str(said.get("id") or ""), model=asked.model, choices=[choice])
    reply.usage = usage_of(said.get("usage"))
    return reply


def _parts(message: dict[str, Any], asked: Request) -> list[Any]:
    parts: list[Any] = []
    for one in take_list(message, "content"):
        said = an_object(one, "message.content")
        if said.get("type") == "thinking":
            parts.append(Reasoning(text=str(said.get("thinking") or ""), origin=OWN))
        else:
            parts.append(Text(text=str(said.get("text") or "")))
    for one in take_list(message, "citations"):
        at, found = citation(an_object(one, "message.citations"))
        bears = parts[at] if at < len(parts) else None
        if isinstance(bears, Text):
            bears.citations = [*bears.citations, *found]
    plan = message.get("tool_plan")
    if isinstance(plan, str) and plan:
        parts.append(Text(text=plan))
    calls = take_list(message, "tool_calls")
    return parts + [tool_call(an_object(one, "message.tool_calls"), asked) for one in calls]


def tool_call(said: dict[str, Any], asked: Request) -> ToolCall:
    """One of `tool_calls`."""
    inner = member(said, "function")
    return ToolCall(
        id=str(said.get("id") or ""),
        name=own_name(asked, str(inner.get("name") or "")),
        arguments=str(inner.get("arguments") or ""),
    )


def citation(said: dict[str, Any]) -> tuple[int, list[Citation]]:
    """Which part of the content bears it, and one for each of its sources. Those of a plan or a thought stand nowhere."""
    if said.get("type") in ("PLAN", "THINKING_CONTENT"):
        return 1 << 30, []
    start, end = count(said.get("start")), count(said.get("end"))
    sources = said.get("sources")
    listed = [one for one in sources if isinstance(one, dict)] if isinstance(sources, list) else []
    return count(said.get("content_index"), 0), [_source(one, start, end) for one in listed]


def _source(said: dict[str, Any], start: int, end: int) -> Citation:
    told = member(said, "document") or member(said, "tool_output")
    url = str(told.get("url") or "")
    name = str(said.get("id") or "")
    at = name.removeprefix(DOCUMENT) if name.startswith(DOCUMENT) else ""
    return Citation(
        kind="url" if url else "document" if said.get("type") == "document" else "other",
        url=url,
        title=str(told.get("title") or ""),
        quote=str(told.get("snippet") or told.get("text") or ""),
        start=start,
        end=end,
        document=int(at) if at.isdigit() else -1,
    )


def probabilities(said: Any) -> list[TokenProb]:
    """`logprobs`: one for each text, of one token or several."""
    told = said if isinstance(said, dict) else {}
    listed = told.get("logprobs")
    values = (
        [float(one) for one in listed if isinstance(one, int | float)] if isinstance(listed, list) else []
    )
    return [TokenProb(str(told.get("text") or ""), sum(values))] if values else []


def usage_of(said: Any) -> Usage | None:
    """`usage`, as it is billed; the tokens that the model saw where nothing is said of that.

    Cached tokens are told of what the model saw, which holds Cohere's own words, too, and can be more than what is billed. What is
    billed costs the same whether it was cached or not: Cohere has no price for cached input
    (docs.cohere.com/docs/how-does-cohere-pricing-work).
    """
    if not isinstance(said, dict):
        return None
    billed, seen = member(said, "billed_units"), member(said, "tokens")
    into, out = count(billed.get("input_tokens")), count(billed.get("output_tokens"))
    return Usage(
        input=into if into >= 0 else count(seen.get("input_tokens")),
        output=out if out >= 0 else count(seen.get("output_tokens")),
        cached=count(said.get("cached_tokens"), 0) if into < 0 else 0,
        said=said,
    )
