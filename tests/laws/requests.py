"""Requests of each dialect as callers send them, drawn by Hypothesis: every member that a codec reads, in every spelling.

Not for: bodies that are none of the dialect.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
WORD = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
BASE64 = st.sampled_from(["aGVsbG8=", "QQ=="])
SCHEMA = st.sampled_from(
    [
        {
            "type": "object",
            "properties": {"b": {"type": "number"}, "a": {"type": "string"}},
            "required": ["b"],
        },
        {"type": "object", "additionalProperties": False},
    ]
)
NUMBER = st.sampled_from([0, 0.5, 1, 1.5])
UNKNOWN = st.dictionaries(st.from_regex(r"x_[a-z]{1,6}", fullmatch=True), st.integers(0, 9), max_size=2)


def members(
    required: dict[str, Any], optional: dict[str, Any], extra: Any = UNKNOWN
) -> st.SearchStrategy[Any]:
    """Objects with these members, and perhaps some that nobody knows."""
    return st.tuples(st.fixed_dictionaries(required, optional=optional), extra).map(
        lambda both: {**both[1], **both[0]}
    )


def some(inner: Any, most: int = 3) -> Any:
    """A short list, not empty."""
    return st.lists(inner, min_size=1, max_size=most)


# --- OpenAI Chat

_MARK = {
    "prompt_cache_breakpoint": st.sampled_from([{"mode": "explicit"}, {"mode": "explicit", "ttl": "30m"}]),
}
_CONTROL = {"cache_control": st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])}
_text = members({"type": st.just("text"), "text": TEXT}, _MARK) | members(
    {"type": st.just("text"), "text": TEXT}, _CONTROL
)
_url = st.sampled_from(
    [
        "https://x.test/a.png",
        "data:image/png;base64,aGVsbG8=",
        "data:text/plain;charset=utf-8;base64,aGVsbG8=",
        "data:,hi",
    ]
)
_image = members(
    {
        "type": st.just("image_url"),
        "image_url": st.fixed_dictionaries({"url": _url}, optional={"detail": st.just("low")}),
    },
    _MARK,
) | st.fixed_dictionaries({"type": st.just("image_url"), "image_url": _url})
_audio = members(
    {
        "type": st.just("input_audio"),
        "input_audio": st.fixed_dictionaries({"data": BASE64, "format": st.sampled_from(["wav", "mp3"])}),
    },
    {},
)
_file = members(
    {
        "type": st.just("file"),
        "file": st.sampled_from(
            [
                {"file_id": "file-1"},
                {"file_data": "data:application/pdf;base64,QQ==", "filename": "a.pdf"},
                {"file_data": "QQ=="},
            ]
        ),
    },
    {},
)
_hosted_part = st.fixed_dictionaries({"type": st.just("widget"), "widget": st.integers(0, 3)})
_named = {"name": WORD}
_user = members(
    {
        "role": st.just("user"),
        "content": TEXT | st.just("") | some(_text | _image | _audio | _file | _hosted_part),
    },
    _named,
)
_system = members({"role": st.sampled_from(["system", "developer"]), "content": TEXT | some(_text)}, _named)
_call = members(
    {
        "id": WORD,
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {"name": WORD, "arguments": st.sampled_from(["{}", '{"a": 1}', "{broken"])}
        ),
    },
    {"extra_content": st.just({"google": {"thought_signature": "QQ=="}})},
) | st.fixed_dictionaries(
    {"id": WORD, "type": st.just("custom"), "custom": st.fixed_dictionaries({"name": WORD, "input": TEXT})}
)
_detail = st.fixed_dictionaries(
    {
        "type": st.just("reasoning.text"),
        "text": TEXT,
        "format": st.just("anthropic-claude-v1"),
        "index": st.integers(0, 1),
    }
)
_assistant = members(
    {"role": st.just("assistant")},
    {
        **_named,
        "content": TEXT
        | st.none()
        | st.just("")
        | some(_text | members({"type": st.just("refusal"), "refusal": TEXT}, {}, st.just({}))),
        "refusal": TEXT | st.none(),
        "audio": st.just({"id": "audio_1"}),
        "tool_calls": some(_call),
        "function_call": st.fixed_dictionaries({"name": WORD, "arguments": st.just("{}")}),
        "reasoning_content": TEXT,
        "reasoning_details": some(_detail),
    },
)
_tool = members(
    {"role": st.just("tool"), "tool_call_id": WORD, "content": TEXT | st.just("") | some(_text)}, {}
) | (st.fixed_dictionaries({"role": st.just("function"), "name": WORD, "content": TEXT | st.none()}))
_function = st.fixed_dictionaries(
    {"name": WORD}, optional={"description": TEXT, "parameters": SCHEMA, "strict": st.booleans()}
)
_tools = members({"type": st.just("function"), "function": _function}, _CONTROL) | st.just(
    {"type": "custom", "custom": {"name": "free", "format": {"type": "text"}}}
)
_tool_choice = st.sampled_from(
    [
        "auto",
        "none",
        "required",
        {"type": "function", "function": {"name": "f"}},
        {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
        },
    ]
)
_format = st.sampled_from(
    [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": True}},
        {"type": "grammar", "grammar": "x"},
    ]
)
CHAT = members(
    {"model": WORD, "messages": some(_user | _system | _assistant | _tool, 5)},
    {
        "stream": st.just(True),
        "stream_options": st.sampled_from(
            [{"include_usage": True}, {"include_usage": False, "include_obfuscation": False}, {}]
        ),
        "max_tokens": st.integers(1, 99),
        "max_completion_tokens": st.integers(1, 99),
        "temperature": NUMBER | st.none(),
        "top_p": NUMBER,
        "top_k": st.integers(1, 9),
        "min_p": NUMBER,
        "seed": st.integers(0, 9),
        "n": st.integers(1, 3),
        "presence_penalty": NUMBER,
        "frequency_penalty": NUMBER,
        "logit_bias": st.just({"50256": -100}),
        "logprobs": st.booleans(),
        "top_logprobs": st.integers(0, 5),
        "parallel_tool_calls": st.booleans(),
        "service_tier": st.sampled_from(["auto", "flex"]),
        "user": WORD,
        "safety_identifier": WORD,
        "metadata": st.just({"a": "b"}),
        "store": st.booleans(),
        "prompt_cache_key": WORD,
        "prompt_cache_retention": st.just("24h"),
        "verbosity": st.just("low"),
        "modalities": st.just(["text", "audio"]),
        "audio": st.just({"voice": "alloy", "format": "mp3"}),
        "stop": TEXT | some(TEXT) | st.none(),
        "response_format": _format,
        "reasoning_effort": st.sampled_from(["none", "low", "max"]),
        "reasoning": st.just({"max_tokens": 2000, "exclude": True}),
        "tools": some(_tools) | st.just([]),
        "tool_choice": _tool_choice,
        "web_search_options": st.just({"search_context_size": "low"}),
        "prediction": st.just({"type": "content", "content": "x"}),
        "moderation": st.just({"model": "m"}),
    },
)

# --- Anthropic Messages

_a_text = members(
    {"type": st.just("text"), "text": TEXT},
    {
        **_CONTROL,
        "citations": st.none() | st.just([{"type": "char_location", "cited_text": "x", "document_index": 0}]),
    },
)
_a_source = st.sampled_from(
    [
        {"type": "base64", "media_type": "image/png", "data": "QQ=="},
        {"type": "url", "url": "https://x.test/a.png"},
        {"type": "file", "file_id": "file_1"},
    ]
)
_a_image = members({"type": st.just("image"), "source": _a_source}, _CONTROL)
_a_document = members(
    {
        "type": st.just("document"),
        "source": st.sampled_from(
            [
                {"type": "base64", "media_type": "application/pdf", "data": "QQ=="},
                {"type": "text", "media_type": "text/plain", "data": "hello"},
                {"type": "url", "url": "https://x.test/a.pdf"},
                {"type": "content", "content": [{"type": "text", "text": "x"}]},
            ]
        ),
    },
    {
        **_CONTROL,
        "title": WORD,
        "context": TEXT,
        "citations": st.sampled_from([{"enabled": True}, {"enabled": False}]),
    },
)
_a_other = st.fixed_dictionaries({"type": st.just("search_result"), "source": WORD, "content": st.just([])})
_a_result = members(
    {"type": st.just("tool_result"), "tool_use_id": WORD},
    {
        **_CONTROL,
        "content": TEXT | st.just("") | st.lists(_a_text | _a_image, max_size=2),
        "is_error": st.booleans(),
    },
)
_a_user = members(
    {
        "role": st.just("user"),
        "content": TEXT | st.just("") | some(_a_text | _a_image | _a_document | _a_other | _a_result, 4),
    },
    {},
)
_a_call = members(
    {
        "type": st.just("tool_use"),
        "id": WORD,
        "name": WORD,
        "input": st.sampled_from([{}, {"b": 1, "a": [2.5]}]),
    },
    {**_CONTROL, "caller": st.just({"type": "direct"})},
)
_a_thinking = st.fixed_dictionaries(
    {"type": st.just("thinking"), "thinking": TEXT | st.just(""), "signature": WORD}
) | (st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": WORD}))
_a_assistant = members(
    {"role": st.just("assistant"), "content": TEXT | some(_a_text | _a_thinking | _a_call | _a_other)}, {}
)
_a_system = st.fixed_dictionaries({"role": st.just("system"), "content": TEXT | some(_a_text)})
_a_tool = members(
    {"name": WORD, "input_schema": SCHEMA},
    {**_CONTROL, "description": TEXT, "strict": st.booleans(), "type": st.just("custom")},
) | st.just({"type": "web_search_20250305", "name": "web_search", "max_uses": 2})
MESSAGES = members(
    {
        "model": WORD,
        "messages": some(_a_user | _a_assistant | _a_system, 5),
        "max_tokens": st.integers(0, 99),
    },
    {
        "system": TEXT | st.just("") | some(_a_text),
        "stream": st.just(True),
        "temperature": NUMBER,
        "top_p": NUMBER,
        "top_k": st.integers(1, 9),
        "stop_sequences": some(TEXT),
        "service_tier": st.sampled_from(["auto", "standard_only"]),
        "metadata": st.sampled_from([{"user_id": "u"}, {}, {"user_id": "u", "more": 1}]),
        "tools": some(_a_tool) | st.just([]),
        "tool_choice": st.sampled_from(
            [
                {"type": "auto"},
                {"type": "any", "disable_parallel_tool_use": True},
                {"type": "tool", "name": "f", "disable_parallel_tool_use": False},
                {"type": "none"},
            ]
        ),
        "thinking": st.sampled_from(
            [
                {"type": "enabled", "budget_tokens": 2048},
                {"type": "disabled"},
                {"type": "adaptive", "display": "summarized"},
                {"type": "between_tools"},
            ]
        ),
        "output_config": st.sampled_from(
            [
                {"effort": "low"},
                {"format": {"type": "json_schema", "schema": {"type": "object"}}},
                {"effort": "max", "task_budget": {"type": "tokens", "total": 9}},
                {"format": None},
            ]
        ),
        "output_format": st.just({"type": "json_schema", "schema": {"type": "object"}}),
        "container": st.none() | WORD,
        "cache_control": st.just({"type": "ephemeral"}),
    },
)

# --- Gemini generateContent

_g_text = members({"text": TEXT}, {"thoughtSignature": WORD, "partMetadata": st.just({"a": 1})})
_g_signed = st.fixed_dictionaries({"text": st.just(""), "thoughtSignature": WORD})
_g_thought = st.fixed_dictionaries(
    {"thought": st.just(True)}, optional={"text": TEXT, "thoughtSignature": WORD}
)
_g_data = st.sampled_from(
    [
        {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "QQ==", "displayName": "a.pdf"}},
        {
            "fileData": {"mimeType": "video/mp4", "fileUri": "https://x.test/a.mp4"},
            "videoMetadata": {"fps": 2},
        },
        {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a"}},
    ]
)
_g_other = st.just({"executableCode": {"language": "PYTHON", "code": "1"}})
_g_call = st.tuples(
    st.fixed_dictionaries(
        {"name": WORD}, optional={"id": WORD, "args": st.sampled_from([{}, {"b": 1, "a": [2.5]}])}
    ),
    st.fixed_dictionaries({}, optional={"thoughtSignature": WORD}),
).map(lambda both: {"functionCall": both[0], **both[1]})
_g_answer = st.fixed_dictionaries(
    {"name": WORD},
    optional={
        "id": WORD,
        "response": st.sampled_from([{}, {"output": "x"}, {"error": "x"}, {"a": {"b": 1}}]),
        "willContinue": st.just(False),
    },
).map(lambda inner: {"functionResponse": inner})
_g_content = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "user", "function"]), "parts": some(_g_text | _g_data | _g_answer, 4)}
) | st.fixed_dictionaries(
    {"role": st.just("model"), "parts": some(_g_text | _g_signed | _g_thought | _g_call | _g_other, 5)}
)
_g_function = st.fixed_dictionaries(
    {"name": WORD},
    optional={
        "description": TEXT,
        "parameters": st.just({"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}),
        "response": st.just({"type": "STRING"}),
    },
)
_g_tool = st.fixed_dictionaries({"functionDeclarations": some(_g_function)}) | st.sampled_from(
    [{"googleSearch": {}}, {"codeExecution": {}}, {"urlContext": {}}]
)
_g_config = st.fixed_dictionaries(
    {},
    optional={
        "maxOutputTokens": st.integers(1, 99),
        "temperature": NUMBER,
        "topP": NUMBER,
        "topK": st.integers(1, 40),
        "stopSequences": some(TEXT),
        "seed": st.integers(0, 9),
        "candidateCount": st.integers(1, 3),
        "presencePenalty": NUMBER,
        "responseLogprobs": st.booleans(),
        "logprobs": st.integers(0, 5),
        "responseMimeType": st.sampled_from(["application/json", "text/plain", "text/x.enum"]),
        "responseSchema": st.just({"type": "OBJECT", "properties": {}}),
        "responseModalities": st.just(["TEXT", "IMAGE"]),
        "thinkingConfig": st.sampled_from(
            [{"thinkingBudget": -1}, {"thinkingLevel": "low", "includeThoughts": True}, {}]
        ),
        "mediaResolution": st.just("MEDIA_RESOLUTION_LOW"),
    },
)
GEMINI = members(
    {"contents": some(_g_content, 5)},
    {
        "systemInstruction": members({"parts": some(_g_text)}, {"role": st.just("user")}, st.just({})),
        "tools": some(_g_tool),
        "toolConfig": st.sampled_from(
            [
                {"functionCallingConfig": {"mode": "AUTO"}},
                {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
                {"functionCallingConfig": {"mode": "VALIDATED"}, "retrievalConfig": {"languageCode": "de"}},
            ]
        ),
        "safetySettings": st.just([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]),
        "generationConfig": _g_config,
        "cachedContent": st.just("cachedContents/a") | st.none(),
        "serviceTier": st.just("flex"),
    },
)

# --- OpenAI Responses

_r_content = TEXT | some(
    st.fixed_dictionaries({"type": st.just("input_text"), "text": TEXT})
    | st.fixed_dictionaries({"type": st.just("input_image"), "image_url": _url, "detail": st.just("low")})
    | st.just({"type": "input_file", "file_id": "file-1"})
)
_r_item = (
    members({"role": st.sampled_from(["user", "system", "developer"]), "content": _r_content}, {})
    | st.fixed_dictionaries(
        {"type": st.just("function_call"), "call_id": WORD, "name": WORD, "arguments": TEXT}
    )
    | st.fixed_dictionaries(
        {"type": st.just("function_call_output"), "call_id": WORD, "output": TEXT | st.just("")}
    )
    | st.fixed_dictionaries(
        {"type": st.just("reasoning"), "id": WORD, "summary": st.just([]), "encrypted_content": WORD}
    )
    | st.just({"type": "web_search_call", "id": "ws_1", "status": "completed"})
)
RESPONSES = members(
    {"model": WORD, "input": TEXT | some(_r_item, 5)},
    {
        "instructions": TEXT,
        "stream": st.just(True),
        "max_output_tokens": st.integers(1, 99),
        "temperature": NUMBER | st.none(),
        "top_p": NUMBER,
        "store": st.booleans(),
        "metadata": st.just({"a": "b"}),
        "parallel_tool_calls": st.booleans(),
        "reasoning": st.sampled_from([{"effort": "low"}, {"effort": "high", "summary": "auto"}, {}]),
        "text": st.sampled_from(
            [{"verbosity": "low"}, {"format": {"type": "json_schema", "name": "a", "schema": {}}}]
        ),
        "include": st.just(["reasoning.encrypted_content", "file_search_call.results"]),
        "truncation": st.just("auto"),
        "tools": st.just([{"type": "function", "name": "f", "parameters": {}}, {"type": "web_search"}]),
        "tool_choice": st.sampled_from(["required", {"type": "function", "name": "f"}]),
    },
)

# --- Ollama

_picture = st.sampled_from(["iVBORw0KGgo=", "QQ=="])
_ollama_function = members(
    {"name": WORD}, {"arguments": st.sampled_from([{}, {"a": [1, 2.5]}]), "index": st.integers(0, 3)}
)
_ollama_call = members({"function": _ollama_function}, {"id": WORD, "type": st.just("function")})
_ollama_said = TEXT | st.just("") | st.none()
_ollama_message = (
    members({"role": st.sampled_from(["system", "user"]), "content": _ollama_said}, {"images": some(_picture) | st.none() | st.just([])})
    | members(
        {"role": st.just("assistant")},
        {"content": _ollama_said, "thinking": _ollama_said, "tool_calls": some(_ollama_call) | st.none()},
    )
    | members({"role": st.just("tool"), "content": _ollama_said}, {"tool_name": WORD, "tool_call_id": WORD, "images": some(_picture)})
)  # fmt: skip
_ollama_tool = members(
    {"function": members({"name": WORD}, {"description": TEXT, "parameters": SCHEMA})},
    {"type": st.just("function")},
)
_ollama_options = members(
    {},
    {
        "temperature": NUMBER,
        "top_p": NUMBER,
        "top_k": st.integers(0, 9),
        "min_p": NUMBER,
        "seed": st.integers(0, 9),
        "num_predict": st.sampled_from([-2, -1, 5]),
        "stop": TEXT | some(TEXT) | st.just([]),
        "num_ctx": st.integers(1, 9),
        "presence_penalty": NUMBER | st.none(),
    },
)
OLLAMA = members(
    {"model": WORD, "messages": some(_ollama_message, 5)},
    {
        "stream": st.booleans(),
        "tools": some(_ollama_tool) | st.just([]),
        "format": st.sampled_from(["", "json", {"type": "object"}]) | st.none(),
        "options": _ollama_options | st.none(),
        "think": st.booleans() | st.sampled_from(["low", "high", "max", ""]) | st.none(),
        "keep_alive": st.sampled_from([0, "5m"]),
        "logprobs": st.booleans(),
        "top_logprobs": st.integers(0, 5),
    },
)

REQUESTS: dict[str, st.SearchStrategy[Any]] = {
    "openai-chat": CHAT,
    "anthropic-messages": MESSAGES,
    "gemini-generate": GEMINI,
    "openai-responses": RESPONSES,
    "ollama-chat": OLLAMA,
}
"""By dialect."""
