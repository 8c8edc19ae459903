"""Every file of the catalog: right in form, complete, and usable."""

import re
from typing import get_args

import pytest

from trunkline.engine.limits_told import _DIALECTS
from trunkline.engine.operations import Matcher
from trunkline.registry import catalog
from trunkline.registry.catalog import key_problem
from trunkline.registry.findings import RegistryInvalid
from trunkline.registry.patterns import template_fault
from trunkline.registry.shape_vendor import LimitHeaders
from trunkline.registry.verify_calls import rule_faults

from .conftest import Load

VENDORS = [
    *(
        "openai",
        "anthropic",
        "gemini",
        "azure-openai",
        "mistral",
        "cohere",
        "groq",
        "deepseek",
        "xai",
        "openrouter",
    ),
    *(
        "together",
        "fireworks",
        "perplexity",
        "ollama",
        "vllm",
        "stripe",
        "twilio",
        "github",
        "slack",
        "notion",
    ),
    *("elevenlabs", "deepgram", "pinecone", "qdrant", "sendgrid", "gotenberg", "infinisynapse"),
    *(
        "ai21",
        "baseten",
        "cerebras",
        "cloudflare-workers-ai",
        "dashscope",
        "databricks",
        "deepinfra",
        "friendli",
    ),
    *("huggingface", "inception", "jina", "llama-cpp", "lm-studio", "meta", "minimax", "moonshot"),
    *("nebius", "novita", "nscale", "nvidia", "ovhcloud", "reka", "sambanova", "scaleway", "siliconflow"),
    *("upstage", "venice", "vercel-ai-gateway", "voyage", "zai"),
]
WITHOUT_FEED = {
    *(
        "gemini",
        "mistral",
        "qdrant",
        "ollama",
        "vllm",
        "gotenberg",
        "infinisynapse",
        "ai21",
        "baseten",
        "cerebras",
    ),
    *("dashscope", "databricks", "deepinfra", "friendli", "huggingface", "inception", "jina", "llama-cpp"),
    *("lm-studio", "meta", "minimax", "moonshot", "nebius", "novita", "nscale", "nvidia", "ovhcloud", "reka"),
    *("sambanova", "scaleway", "siliconflow", "upstage", "venice", "voyage", "zai"),
}
DIALECTS = {"openai-chat", "mistral-chat", "cohere-chat", "openai-responses", "openai-input-tokens", "openai-compact", "openai-embeddings",
            "mistral-embed", "voyage-embed", "cohere-embed", "ollama-chat", "ollama-embed", "anthropic-messages", "anthropic-count-tokens",
            "gemini-generate", "gemini-embed", "gemini-count"}  # fmt: skip


@pytest.mark.row("R3")
def test_the_vendors_are_there() -> None:
    assert catalog.names() == sorted(VENDORS)


@pytest.mark.row("A4")
def test_at_least_thirty_of_them_serve_models() -> None:
    entries = [catalog.entry(name) for name in catalog.names()]
    assert sum(bool(entry.dialects) for entry in entries if entry.kind == "ai") >= 30


@pytest.mark.row("R3")
@pytest.mark.parametrize("name", VENDORS)
def test_an_entry_is_complete(name: str) -> None:
    entry = catalog.entry(name)
    assert entry.title
    assert entry.docs.startswith("https://")
    assert entry.env
    assert entry.operations
    assert entry.auth is not None
    assert entry.base_url.startswith(("https://", "http://127.0.0.1")) or (
        entry.address and entry.address.example
    )
    assert entry.probe is not None, "a free call that proves the credential"
    assert entry.changelog or name == "infinisynapse"
    for pattern in (*entry.key.live, *entry.key.sandbox, *entry.key.any):
        re.compile(pattern)


@pytest.mark.row("R3")
@pytest.mark.parametrize("name", VENDORS)
def test_operations_are_well_formed_and_each_has_a_clear_rule(name: str) -> None:
    operations = catalog.entry(name).operations
    assert len({o.name for o in operations}) == len(operations)
    assert len({(o.method, o.path) for o in operations}) == len(operations)
    for operation in operations:
        assert template_fault(operation.path) == ""
        assert operation.method == "GET" or operation.repeat is not None, (
            f"{operation.name}: say whether it may be repeated"
        )
        if operation.repeat == "with_key":
            assert catalog.entry(name).idempotency is not None


@pytest.mark.row("A1")
@pytest.mark.parametrize("name", VENDORS)
def test_a_dialect_lies_on_an_operation_that_may_be_repeated(name: str, loaded: Load) -> None:
    entry = catalog.entry(name)
    text = f"version: 1\nintegrations: {{{name}: {{secret: env:A, base_url: 'https://x.example.com'}}}}\n"
    match = Matcher(loaded(text).snapshot.services[0].operations)
    methods = {
        "gemini-generate": "generateContent",
        "gemini-embed": "embedContent",
        "gemini-count": "countTokens",
    }
    for dialect in entry.dialects:
        assert dialect.name in DIALECTS
        path = dialect.path.replace("{model}", "some-model").replace(
            "{method}", methods.get(dialect.name, "")
        )
        found = match.find("POST", path.encode())
        assert found is not None, f"{dialect.name} at {path} is no declared operation"
        assert found.repeat == "always"


@pytest.mark.row("A4")
@pytest.mark.parametrize("name", VENDORS)
def test_models_are_named_once_and_prices_say_whence(name: str) -> None:
    entry = catalog.entry(name)
    ids = [m.id for m in entry.models]
    assert len(set(ids)) == len(ids)
    priced = [m for m in entry.models if m.price is not None]
    assert not priced or (entry.prices is not None and re.fullmatch(r"\d{4}-\d{2}-\d{2}", entry.prices.date))
    for model in priced:
        assert model.price is not None
        assert model.price.cached <= model.price.input, f"{model.id}: a cached token dearer than a fresh one?"
        assert model.kind == "moderation" or model.price.input > 0 or model.price.fees


@pytest.mark.row("E2")
@pytest.mark.parametrize("name", VENDORS)
def test_error_rules_are_well_formed(name: str) -> None:
    entry = catalog.entry(name)
    assert [fault for rule in entry.errors for fault in rule_faults(rule)] == []
    for pointer, pattern in entry.ok_body.items():
        assert pointer.startswith("/")
        re.compile(pattern)


@pytest.mark.row("H1")
@pytest.mark.parametrize("name", VENDORS)
def test_a_probe_is_free_and_says_where_that_stands(name: str) -> None:
    entry = catalog.entry(name)
    assert entry.probe is not None
    assert entry.probe.method in (None, "GET", "HEAD", "OPTIONS"), "nothing that could act"
    assert entry.probe.path.startswith("/")
    dialects = {dialect.path for dialect in entry.dialects}
    assert entry.probe.path not in dialects, "a completion costs"
    text = (catalog.FOLDER / f"{name}.yaml").read_text("utf-8")
    assert re.search(r"^probe: \{.*\} # free: https://\S+", text, re.MULTILINE)


FEEDS = re.compile(r"https://\S+(/api/v2/summary\.json|\.rss|\.xml|/feed/|/feed/rss)")


@pytest.mark.row("H1")
@pytest.mark.parametrize("name", VENDORS)
def test_a_status_feed_is_one_that_can_be_read_and_says_of_which_kind_it_is(name: str) -> None:
    entry = catalog.entry(name)
    if entry.status_feed:
        assert FEEDS.fullmatch(entry.status_feed)
        text = (catalog.FOLDER / f"{name}.yaml").read_text("utf-8")
        assert re.search(r"^status_feed: \S+ # .*(Statuspage v2|RSS)", text, re.MULTILINE)
    else:
        assert name in WITHOUT_FEED


@pytest.mark.parametrize("name", VENDORS)
def test_the_dialect_of_limit_headers_is_one_that_is_read(name: str) -> None:
    assert catalog.entry(name).limit_headers in _DIALECTS


def test_the_registry_takes_every_dialect_that_is_read_and_no_other() -> None:
    assert set(get_args(LimitHeaders)) == set(_DIALECTS)


def test_bare_model_names_belong_to_one_vendor() -> None:
    owners: dict[str, str] = {}
    for name in VENDORS:
        for pattern in catalog.entry(name).model_patterns:
            assert owners.setdefault(pattern, name) == name


@pytest.mark.row("R3")
@pytest.mark.parametrize(
    ("vendor", "operation", "repeat"),
    [
        ("openai", "chat_completions", "always"),
        ("openai", "embeddings", "always"),
        ("openai", "create_batch", "never"),
        ("stripe", "create_payment_intent", "with_key"),
        ("stripe", "post_other", "with_key"),
        ("twilio", "create_message", "never"),
        ("sendgrid", "send_mail", "never"),
        ("gotenberg", "convert_html", "always"),
        ("slack", "post_message", "never"),
        ("github", "create_issue", "never"),
        ("infinisynapse", "message", "never"),
    ],
)
def test_what_acts_is_never_repeated_blindly(vendor: str, operation: str, repeat: str) -> None:
    assert next(o.repeat for o in catalog.entry(vendor).operations if o.name == operation) == repeat


@pytest.mark.parametrize("name", ["nobody", "../shape", "OpenAI", "", "openai/../stripe"])
def test_an_unknown_vendor_is_no_file(name: str) -> None:
    with pytest.raises(KeyError):
        catalog.entry(name)


def test_a_wrong_file_is_told_with_its_line(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "acme.yaml").write_text(
        "title: Acme\nkind: ai\nbase_url: https://a.example.com\nopertions: []\n"
    )
    with pytest.raises(RegistryInvalid, match=r"catalog/acme\.yaml:4:1: error\[unknown-key\] opertions"):
        catalog.entry("acme", folder)


LIVE, TEST = "sk_live_notarealkey00", "sk_test_notarealkey00"


@pytest.mark.row("R9")
@pytest.mark.parametrize(
    ("environment", "secret", "says"),
    [
        ("dev", LIVE, "A live key of Stripe is set in dev"),
        ("dev", TEST, ""),
        ("prod", TEST, "A sandbox key of Stripe is set in prod"),
        ("prod", LIVE, ""),
        ("staging", LIVE, ""),
        ("staging", TEST, ""),
        ("dev", "something-else", ""),
        ("prod", "tl_notarealkeynotarealkey", "a caller key of Trunkline"),
    ],
)
def test_a_key_of_the_wrong_kind_is_that_integrations_problem(
    environment: str, secret: str, says: str
) -> None:
    problem = key_problem(catalog.entry("stripe"), environment, secret)
    assert says in problem
    assert bool(problem) is bool(says)
    assert secret not in problem


def test_vendors_without_kinds_of_keys_have_no_wrong_kind() -> None:
    assert key_problem(catalog.entry("openai"), "dev", "sk-test-not-a-real-key") == ""
    assert key_problem(None, "dev", "anything") == ""
