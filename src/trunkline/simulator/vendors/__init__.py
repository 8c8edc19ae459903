"""Which vendors are simulated, and by which code: one row each. A vendor without a row is a plain JSON API.

Not for: their errors (`corpus.py`) or the answers themselves (the other modules of this folder).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, Protocol, cast

from trunkline.simulator.credentials import ANYWHERE
from trunkline.simulator.reply import Reply
from trunkline.simulator.request import Request


class Vendor(Protocol):
    """A simulated vendor. It may keep objects between requests; what it computes follows from the request alone."""

    def answer(self, request: Request) -> Reply:
        """Raises Refusal or BadBody for what the vendor would refuse."""


class Profile(NamedTuple):
    """How a vendor looks from outside. `required`: a request without a credential in one of `places` is refused.

    `shape`: of its error bodies (`failures.SHAPES`). `family`: whose rows of the corpus it shares. `request_id`: the header in
    which it names each request. `fields`: on every successful answer, such as its dialect of rate-limit headers.
    """

    name: str
    make: Callable[[], Vendor]
    shape: str = "generic"
    places: tuple[str, ...] = ANYWHERE
    required: bool = False
    family: str = ""
    request_id: str = "x-request-id"
    fields: tuple[tuple[str, str], ...] = ()


_OPENAI_LIMITS = (
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-limit-tokens", "2000000"),
    ("x-ratelimit-remaining-tokens", "1999900"),
    ("x-ratelimit-reset-tokens", "3ms"),
)
_ANTHROPIC_LIMITS = (
    ("anthropic-ratelimit-requests-limit", "4000"),
    ("anthropic-ratelimit-requests-remaining", "3999"),
    ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:01Z"),
    ("anthropic-ratelimit-tokens-limit", "2400000"),
    ("anthropic-ratelimit-tokens-remaining", "2399000"),
    ("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:01Z"),
)
_BEARER = ("bearer",)


def _made_by(module: str, maker: str, *args: str) -> Callable[[], Vendor]:
    """Imports the vendor's code when it is first asked, so that the simulator starts at once."""

    def make() -> Vendor:
        return cast(Vendor, getattr(import_module(f"trunkline.simulator.vendors.{module}"), maker)(*args))

    return make


def _compatible(name: str, *, required: bool = True, shape: str = "openai") -> Profile:
    return Profile(name, _made_by("openai", "OpenAI", name), shape, _BEARER, required, family="openai")


_COPIES = (
    "ai21", "baseten", "cerebras", "cloudflare-workers-ai", "dashscope", "databricks", "deepinfra", "deepseek", "fireworks",
    "friendli", "huggingface", "inception", "jina", "meta", "minimax", "moonshot", "nebius", "novita", "nscale", "nvidia",
    "openrouter", "reka", "sambanova", "scaleway", "siliconflow", "upstage", "venice", "vercel-ai-gateway", "voyage", "xai", "zai",
)  # fmt: skip
"""They speak OpenAI's dialect, and some Anthropic's."""
_WITHOUT_KEY = ("llama-cpp", "lm-studio", "ovhcloud", "vllm")


def _copy(name: str, *, required: bool) -> Profile:
    places = ("bearer", "x-api-key")
    return Profile(name, _made_by("compatible", "Compatible", name), "openai", places, required, "openai")


def _plain(name: str, places: tuple[str, ...], request_id: str = "x-request-id") -> Profile:
    return Profile(name, _made_by("generic", "Generic", name), name, places, True, request_id=request_id)


PROFILES: dict[str, Profile] = {
    row.name: row
    for row in (
        Profile("openai", _made_by("openai", "OpenAI"), "openai", _BEARER, True, fields=_OPENAI_LIMITS),
        Profile(
            "azure-openai",
            _made_by("openai", "OpenAI", "azure-openai"),
            "azure-openai",
            ("api-key", "bearer"),
            True,
            "openai",
            "apim-request-id",
        ),
        Profile(
            "anthropic",
            _made_by("anthropic", "Anthropic"),
            "anthropic",
            ("x-api-key", "bearer"),
            True,
            "",
            "request-id",
            _ANTHROPIC_LIMITS,
        ),
        Profile("gemini", _made_by("gemini", "Gemini"), "gemini", ("x-goog-api-key", "?key", "bearer"), True),
        Profile("cohere", _made_by("cohere", "Cohere"), "cohere", _BEARER, True),
        _compatible("mistral", shape="mistral"),
        *(_compatible(name) for name in ("groq", "together", "perplexity")),
        *(_copy(name, required=True) for name in _COPIES),
        *(_copy(name, required=False) for name in _WITHOUT_KEY),
        Profile("ollama", _made_by("ollama", "Ollama"), "openai", _BEARER, family="openai"),
        Profile(
            "stripe",
            _made_by("stripe", "Stripe"),
            "stripe",
            ("bearer", "basic"),
            True,
            request_id="request-id",
        ),
        Profile(
            "gotenberg",
            _made_by("gotenberg", "Gotenberg"),
            "gotenberg",
            ("basic", "bearer"),
            request_id="gotenberg-trace",
        ),
        _plain("twilio", ("basic",), "twilio-request-id"),
        _plain("github", ("bearer", "token"), "x-github-request-id"),
        _plain("slack", _BEARER, "x-slack-req-id"),
        _plain("notion", _BEARER),
        _plain("elevenlabs", ("xi-api-key",), "request-id"),
        _plain("deepgram", ("token", "bearer"), "dg-request-id"),
        _plain("pinecone", ("api-key",)),
        Profile("qdrant", _made_by("qdrant", "Qdrant"), "qdrant", ("api-key", "bearer")),
        _plain("sendgrid", _BEARER, "x-message-id"),
        _plain("infinisynapse", _BEARER),
    )
}
_ALIASES = {"azure": "azure-openai", "google": "gemini", "pdf": "gotenberg"}


def profile(name: str) -> Profile:
    """The row of a vendor; a name without one is a plain JSON API that asks for no credential.

    `openai~LABEL` is another installation of `openai`, with objects and faults of its own.
    """
    name = name.partition("~")[0]
    found = PROFILES.get(_ALIASES.get(name, name))
    return found or Profile(name, _made_by("generic", "Generic", name))
