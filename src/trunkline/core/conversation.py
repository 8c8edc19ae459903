"""The canonical form of a model call: what every dialect can be read into and written from, so that any client reaches any vendor.
Here the request and the parts of which all turns are made; `answer.py` has answers, whole and streamed.

Values only, no dialect's names: `plugins/adapters` reads and writes them. Texts that vendors compare or sign (arguments of tools,
signatures) are kept to the letter, and order is kept everywhere, in schemas too: prompt caches live on both. What a dialect says
that nobody else can, is kept in `extra`, under that dialect's own names, and comes back when the same dialect is written. Where a
dialect can say one thing in several ways, `form` keeps which it was; only the codec that set it reads it.
Not for: calls whose vendor speaks the caller's dialect; their bytes pass unchanged and are never read into this form.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from trunkline.core.stored import Turn

Role = Literal["system", "developer", "user", "assistant", "tool"]


class CacheMark(msgspec.Struct, gc=False):
    """The caller asks that the prompt be cached up to and with what bears it."""

    ttl: str = ""
    """`5m`, `1h`; empty: the vendor's default."""
    form: Any = None


class Citation(msgspec.Struct, gc=False, kw_only=True):
    """What a piece of an answer rests on."""

    kind: Literal["url", "document", "file", "other"] = "url"
    url: str = ""
    title: str = ""
    quote: str = ""
    start: int = -1
    """Characters into the text of the part that bears it; -1: of all of it."""
    end: int = -1
    document: int = -1
    """Which of the request's documents, counted from 0."""
    extra: dict[str, Any] = {}


class Text(msgspec.Struct, tag="text", kw_only=True):
    """Words of either side."""

    text: str
    citations: list[Citation] = []
    cache: CacheMark | None = None
    signature: str = ""
    """Gemini signs text parts too; sent back unchanged, only to where it came from."""
    extra: dict[str, Any] = {}
    form: Any = None


class Refusal(msgspec.Struct, tag="refusal", kw_only=True):
    """The model says that it will not."""

    text: str
    form: Any = None


class Media(msgspec.Struct, tag="media", kw_only=True):
    """An image, a sound, a film or a document. Exactly one of `data`, `url`, `file` is set, or `text` for a document of plain text."""

    kind: Literal["image", "audio", "video", "document"]
    mime: str = ""
    """Media type, e.g. `image/png`; empty where the caller did not say."""
    data: str = ""
    """Base64, as it came."""
    url: str = ""
    file: str = ""
    """Id at the vendor whose file store holds it."""
    text: str = ""
    title: str = ""
    """File name or title."""
    detail: str = ""
    """OpenAI's `low`, `high`, `auto`."""
    cited: bool = False
    """A document: the answer shall cite it."""
    transcript: str = ""
    cache: CacheMark | None = None
    extra: dict[str, Any] = {}
    form: Any = None


class Reasoning(msgspec.Struct, tag="reasoning", kw_only=True):
    """Thoughts of a model, as far as they are shown, and what proves or hides them. Opaque ones go back only to where they came from."""

    text: str = ""
    """The thoughts themselves."""
    summary: list[str] = []
    """What the vendor made of them to be shown."""
    signature: str = ""
    sealed: str = ""
    """Encrypted: OpenAI's `encrypted_content`, Anthropic's `redacted_thinking`."""
    id: str = ""
    origin: str = ""
    """Dialect whose vendor gave it."""
    extra: dict[str, Any] = {}
    form: Any = None


class ToolCall(msgspec.Struct, tag="call", kw_only=True):
    """The model wants a tool run. `arguments` is JSON as the vendor wrote it, or free text for a tool of kind `custom`."""

    id: str
    name: str
    arguments: str = ""
    kind: Literal["function", "custom", "hosted"] = "function"
    signature: str = ""
    """Gemini's thought signature of this call."""
    cache: CacheMark | None = None
    extra: dict[str, Any] = {}
    form: Any = None


class ToolResult(msgspec.Struct, tag="result", kw_only=True):
    """What a tool answered."""

    id: str
    """Of the call."""
    name: str = ""
    parts: list[Text | Media | Opaque] = []
    failed: bool = False
    kind: Literal["function", "custom", "hosted"] = "function"
    cache: CacheMark | None = None
    extra: dict[str, Any] = {}
    form: Any = None


class Opaque(msgspec.Struct, tag="opaque", kw_only=True):
    """A part that only one dialect knows: the vendor's hosted tools, containers, screens."""

    dialect: str
    value: Any


Part = Text | Refusal | Media | Reasoning | ToolCall | ToolResult | Opaque


class Message(msgspec.Struct, kw_only=True):
    """One turn, or part of one. Answers of tools stand in messages of role `tool`, in the order of the dialect that sent them."""

    role: Role
    parts: list[Part] = []
    name: str = ""
    id: str = ""
    extra: dict[str, Any] = {}
    form: Any = None


class Tool(msgspec.Struct, kw_only=True):
    """What the model may have run. `hosted` ones the vendor runs itself; then `name` is one of web_search, code_interpreter,
    file_search, computer, url_context, image_generation, mcp, or the dialect's own word, and `value` the whole declaration.
    """

    name: str
    kind: Literal["function", "custom", "hosted"] = "function"
    description: str = ""
    schema: Any = None
    """JSON Schema of the arguments; None: not said."""
    strict: bool | None = None
    cache: CacheMark | None = None
    dialect: str = ""
    """Of a hosted or custom one: whose words `value` is in."""
    value: Any = None
    extra: dict[str, Any] = {}


class ToolChoice(msgspec.Struct, kw_only=True):
    """Which tool the model is to take."""

    mode: Literal["auto", "none", "any", "one"] = "auto"
    name: str = ""
    allowed: list[str] = []
    """Only these; empty: all."""


class Format(msgspec.Struct, kw_only=True):
    """What the answer is to look like."""

    kind: Literal["text", "json", "schema"] = "text"
    name: str = ""
    description: str = ""
    schema: Any = None
    strict: bool | None = None


class Effort(msgspec.Struct, kw_only=True):
    """How much the model is to think, and what of it is shown."""

    level: str = ""
    """`none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`; empty: not said."""
    budget: int | None = None
    """Tokens; 0: none; -1: as the model likes."""
    adaptive: bool = False
    shown: bool | None = None
    """Whether thoughts or summaries are wanted in the answer."""
    summary: str = ""
    """OpenAI's `auto`, `concise`, `detailed`."""
    sealed: bool = False
    """The caller keeps no state at the vendor and wants the thoughts sealed, to send them back."""


class Request(msgspec.Struct, kw_only=True):
    """A model call. None, or empty, is: the caller did not say, and then the vendor is told nothing either."""

    dialect: str
    """In which it was asked."""
    model: str = ""
    messages: list[Message] = []
    tools: list[Tool] = []
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    stop: list[str] = []
    seed: int | None = None
    n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] = {}
    logprobs: bool | None = None
    top_logprobs: int | None = None
    format: Format | None = None
    effort: Effort | None = None
    verbosity: str = ""
    stream: bool = False
    stream_usage: bool | None = None
    """OpenAI Chat: the caller wants usage in the last chunk. Other dialects always tell it."""
    service_tier: str = ""
    user: str = ""
    """End user as the caller names him to the vendor."""
    metadata: dict[str, str] = {}
    store: bool | None = None
    stored: Turn | None = None
    """The answer is kept here, under this id and after that turn."""
    previous: str = ""
    """Id of the stored response that this goes on from."""
    cache_key: str = ""
    cache_ttl: str = ""
    modalities: list[str] = []
    """Wanted in the answer besides text, e.g. `audio`, `image`."""
    audio: dict[str, Any] = {}
    safety: list[dict[str, str]] = []
    """Gemini's settings: category and threshold."""
    betas: list[str] = []
    """Values of `anthropic-beta`."""
    extra: dict[str, Any] = {}
    """Members that `dialect` has and this form has not, and those that nobody knows."""
    form: Any = None
    sent: Any = None
    """What the codec that wrote it for the vendor must know to read the answer, e.g. names of tools that it had to shorten."""


Act = Literal["dropped", "renamed", "emulated", "clamped", "changed"]


class Change(msgspec.Struct, frozen=True, gc=False):
    """One thing that translation did to a call; `renamed` loses nothing.

    `field`: a member of Request, or one of a dialect's own, or `messages.audio` for parts of messages; the engine tells it under
    the name that the caller's dialect has for it.
    """

    act: Act
    field: str
    how: str = ""
    """What it became, or why: short, in ASCII, without `;` and `,`, never a value of the caller's."""


class Untranslatable(ValueError):
    """What stands there is none of this dialect's, or has no translation at all. The text names the member and the cure; `member`
    is its name where clients act on it.
    """

    def __init__(self, text: str, member: str = "") -> None:
        super().__init__(text)
        self.member = member
