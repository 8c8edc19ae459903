"""The vendors' own SDKs behind one small face, so that one story can be told with each.

The SDKs are unmodified; only base URL and key are set. Not for: what only one of them can do (`tests/real/test_<sdk>.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from anthropic import Anthropic
from google import genai
from google.genai import types
from openai import OpenAI

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = "get_weather"
LIMIT = 500
"""Of tokens, for the dialect that wants one."""


class Said(NamedTuple):
    """What a model said, as the SDK gave it: `calls` are (name, arguments), `stop` is the SDK's own word, `tokens` are (input, output)."""

    text: str
    calls: list[tuple[str, Any]]
    stop: str
    tokens: tuple[int, int]


class Client(Protocol):
    """A conversation is a list in the SDK's own form; `ask` adds the model's turn to it."""

    dialect: str
    stops: tuple[str, str]
    """How the SDK says that the model was done, and that it wants tools."""

    def begin(self, text: str) -> list[Any]:
        """A conversation in which the user has spoken."""

    def ask(self, model: str, turns: list[Any], *, tools: bool = False, stream: bool = False) -> Said:
        """One turn of the model."""

    def results(self, turns: list[Any], results: Sequence[str]) -> None:
        """Adds the results of the calls in the last turn, in their order."""


class Chat:
    """`openai`, Chat Completions; streams by its own helper."""

    dialect = "openai-chat"
    stops = ("stop", "tool_calls")

    def __init__(self, url: str, key: str) -> None:
        self._sdk = OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=60)

    def begin(self, text: str) -> list[Any]:
        return [{"role": "user", "content": text}]

    def ask(self, model: str, turns: list[Any], *, tools: bool = False, stream: bool = False) -> Said:
        given: Any = {"model": model, "messages": turns}
        if tools:
            given["tools"] = [{"type": "function", "function": {"name": TOOL, "parameters": CITY}}]
        if stream:
            with self._sdk.chat.completions.stream(**given, stream_options={"include_usage": True}) as events:
                list(events)
                answer: Any = events.get_final_completion()
        else:
            answer = self._sdk.chat.completions.create(**given)
        [choice] = answer.choices
        turns.append(choice.message.to_dict())
        calls = [
            (call.function.name, json.loads(call.function.arguments))
            for call in choice.message.tool_calls or ()
        ]
        used = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
        return Said(choice.message.content or "", calls, choice.finish_reason, used)

    def results(self, turns: list[Any], results: Sequence[str]) -> None:
        calls = turns[-1]["tool_calls"]
        turns += [
            {"role": "tool", "tool_call_id": call["id"], "content": result}
            for call, result in zip(calls, results, strict=True)
        ]


class Responses:
    """`openai`, Responses, without stored turns: the caller keeps the conversation."""

    dialect = "openai-responses"
    stops = ("completed", "completed")

    def __init__(self, url: str, key: str) -> None:
        self._sdk = OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=60)

    def begin(self, text: str) -> list[Any]:
        return [{"role": "user", "content": text}]

    def ask(self, model: str, turns: list[Any], *, tools: bool = False, stream: bool = False) -> Said:
        given: Any = {"model": model, "input": turns, "store": False}
        if tools:
            given["tools"] = [{"type": "function", "name": TOOL, "parameters": CITY, "strict": False}]
        if stream:
            with self._sdk.responses.stream(**given) as events:
                list(events)
                answer: Any = events.get_final_response()
        else:
            answer = self._sdk.responses.create(**given)
        # `parsed_arguments` is the helper's own and no part of an item.
        turns += [
            {name: value for name, value in item.to_dict().items() if name != "parsed_arguments"}
            for item in answer.output
        ]
        calls = [
            (item.name, json.loads(item.arguments)) for item in answer.output if item.type == "function_call"
        ]
        return Said(
            answer.output_text, calls, answer.status, (answer.usage.input_tokens, answer.usage.output_tokens)
        )

    def results(self, turns: list[Any], results: Sequence[str]) -> None:
        calls = [item for item in turns if item.get("type") == "function_call"]
        turns += [
            {"type": "function_call_output", "call_id": call["call_id"], "output": result}
            for call, result in zip(calls, results, strict=True)
        ]


class Messages:
    """`anthropic`."""

    dialect = "anthropic-messages"
    stops = ("end_turn", "tool_use")

    def __init__(self, url: str, key: str) -> None:
        self._sdk = Anthropic(base_url=url, api_key=key, max_retries=0, timeout=60)

    def begin(self, text: str) -> list[Any]:
        return [{"role": "user", "content": text}]

    def ask(self, model: str, turns: list[Any], *, tools: bool = False, stream: bool = False) -> Said:
        given: Any = {"model": model, "messages": turns, "max_tokens": LIMIT}
        if tools:
            given["tools"] = [{"name": TOOL, "input_schema": CITY}]
        if stream:
            with self._sdk.messages.stream(**given) as events:
                answer: Any = events.get_final_message()
        else:
            answer = self._sdk.messages.create(**given)
        turns.append({"role": "assistant", "content": answer.content})
        text = "".join(block.text for block in answer.content if block.type == "text")
        calls = [(block.name, block.input) for block in answer.content if block.type == "tool_use"]
        return Said(text, calls, answer.stop_reason, (answer.usage.input_tokens, answer.usage.output_tokens))

    def results(self, turns: list[Any], results: Sequence[str]) -> None:
        uses = [block for block in turns[-1]["content"] if block.type == "tool_use"]
        told = [
            {"type": "tool_result", "tool_use_id": use.id, "content": result}
            for use, result in zip(uses, results, strict=True)
        ]
        turns.append({"role": "user", "content": told})


class Google:
    """`google-genai`. Gemini's dialect calls an answer with tools done as well."""

    dialect = "gemini-generate"
    stops = ("STOP", "STOP")

    def __init__(self, url: str, key: str) -> None:
        self._sdk = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url, timeout=60_000))

    def begin(self, text: str) -> list[Any]:
        return [types.UserContent(text)]

    def ask(self, model: str, turns: list[Any], *, tools: bool = False, stream: bool = False) -> Said:
        weather = types.FunctionDeclaration(name=TOOL, parameters_json_schema=CITY)
        given: Any = {
            "model": model,
            "contents": list(turns),
            "config": types.GenerateContentConfig(
                tools=[types.Tool(function_declarations=[weather])] if tools else None,
                automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            ),
        }
        pieces = list(
            self._sdk.models.generate_content_stream(**given)
            if stream
            else [self._sdk.models.generate_content(**given)]
        )
        parts = [
            part
            for piece in pieces
            for candidate in piece.candidates or ()
            for part in (candidate.content and candidate.content.parts) or ()
        ]
        turns.append(types.ModelContent([part for part in parts if part.function_call or part.text]))
        calls = [
            (part.function_call.name or "", part.function_call.args) for part in parts if part.function_call
        ]
        last: Any = pieces[-1]
        used = (last.usage_metadata.prompt_token_count, last.usage_metadata.candidates_token_count)
        return Said(
            "".join(part.text or "" for part in parts), calls, last.candidates[0].finish_reason.name, used
        )

    def results(self, turns: list[Any], results: Sequence[str]) -> None:
        calls = [part.function_call for part in turns[-1].parts if part.function_call]
        told = [
            types.FunctionResponse(id=call.id, name=call.name, response={"output": result})
            for call, result in zip(calls, results, strict=True)
        ]
        turns.append(types.UserContent([types.Part(function_response=one) for one in told]))


CLIENTS: tuple[type[Chat | Responses | Messages | Google], ...] = (Chat, Responses, Messages, Google)
