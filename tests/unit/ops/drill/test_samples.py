from __future__ import annotations

import json

import pytest

from trunkline.core.flow import Fallback
from trunkline.core.service import Alias, ApiVersion, Dialect, Model, Operation, Service, Snapshot
from trunkline.ops.drill.samples import MODEL, samples

pytestmark = pytest.mark.row("F12")
STATIC = Fallback(kind="static", body="{}")
TARGET = Fallback(kind="target", target="other")
BODIES = {("stripe", "create_charge"): ("application/x-www-form-urlencoded", b"amount=1")}


def snapshot(*services: Service, **more: object) -> Snapshot:
    return Snapshot(version="v", created="", environment="dev", services=list(services), **more)  # type: ignore[arg-type]


def operation(name: str, method: str, path: str, repeat: str = "always", **more: object) -> Operation:
    return Operation(name=name, method=method, path=path, repeat=repeat, **more)  # type: ignore[arg-type]


def told(service: Service, **more: object) -> list[tuple[str, str, str, str]]:
    found = samples(snapshot(service, **more), service, BODIES)
    return [(one.entry, one.form, one.method, one.path) for one in found]


def test_an_api_that_declares_nothing_is_read_and_written() -> None:
    assert told(Service(name="crm")) == [
        ("crm", "read", "GET", "/api/proxy/{name}/drill"),
        ("crm", "act", "POST", "/api/proxy/{name}/drill"),
    ]


def test_operations_are_chosen_by_what_is_known_to_be_accepted_then_without_parameters() -> None:
    stripe = Service(
        name="pay",
        vendor="stripe",
        operations=[
            operation("get_charge", "GET", "/v1/charges/{id}"),
            operation("list_charges", "GET", "/v1/charges"),
            operation("refund", "POST", "/v1/refunds", "with_key"),
            operation("create_charge", "POST", "/v1/charges", "with_key"),
        ],
    )
    read, act = samples(snapshot(stripe), stripe, BODIES)
    assert (read.operation, read.path, read.body) == ("list_charges", "/api/proxy/{name}/v1/charges", b"")
    assert (act.operation, act.content_type, act.body) == (
        "create_charge",
        *BODIES["stripe", "create_charge"],
    )


def test_parameters_are_filled_and_the_prefix_of_the_version_is_left_to_the_gateway() -> None:
    service = Service(
        name="crm",
        api_version=ApiVersion(value="v3", path="/v3"),
        operations=[operation("get", "GET", "/v3/items/{id}")],
    )
    assert told(service) == [("crm", "read", "GET", "/api/proxy/{name}/items/drill")]


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        ("openai-chat", "/v1/chat/completions"),
        ("anthropic-messages", "/v1/messages"),
        ("openai-responses", "/v1/responses"),
    ],
)
def test_a_model_vendor_is_asked_in_its_dialect_whole_and_as_a_stream(dialect: str, path: str) -> None:
    service = Service(
        name="ai",
        dialects=[Dialect(name=dialect, path="/x")],
        models=[Model(id="e", kind="embedding"), Model(id="big")],
    )
    whole, stream = samples(snapshot(service), service, BODIES)
    assert (whole.form, whole.path, stream.form, stream.path) == ("model", path, "stream", path)
    assert json.loads(whole.body)["model"] == "{name}/big"
    assert "stream" not in json.loads(whole.body)
    assert json.loads(stream.body)["stream"] is True


def test_gemini_names_model_and_stream_in_the_path() -> None:
    service = Service(name="g", dialects=[Dialect(name="gemini-generate", path="/x")])
    assert [one.path for one in samples(snapshot(service), service, BODIES)] == [
        f"/v1beta/models/{{name}}/{MODEL}:generateContent",
        f"/v1beta/models/{{name}}/{MODEL}:streamGenerateContent?alt=sse",
    ]


@pytest.mark.parametrize("dialect", ["openai-embeddings", "voyage-embed", "cohere-embed"])
def test_who_only_embeds_is_asked_to_embed(dialect: str) -> None:
    service = Service(
        name="e",
        dialects=[Dialect(name=dialect, path="/v2/embed")],
        models=[Model(id="small", kind="embedding")],
    )
    (one,) = samples(snapshot(service), service, BODIES)
    assert (one.form, one.path, json.loads(one.body)["model"]) == ("model", "/v1/embeddings", "{name}/small")


def test_entries_with_fallbacks_of_their_own_are_drilled_too() -> None:
    service = Service(
        name="ai",
        fallback=[TARGET],
        dialects=[Dialect(name="openai-chat", path="/v1/chat/completions")],
        models=[Model(id="m")],
        operations=[operation("upload", "POST", "/v1/files", "never", fallback=[STATIC])],
    )
    found = samples(
        snapshot(
            service,
            aliases=[Alias(name="fast", target="ai/m", fallback=[STATIC]), Alias(name="bare", target="ai/m")],
            routes={"llm": "ai", "plain": "ai"},
            route_fallback={"llm": [STATIC]},
        ),
        service,
        BODIES,
    )
    assert [(one.entry, one.named, one.form, one.path, one.chain) for one in found] == [
        ("ai", "ai", "model", "/v1/chat/completions", (TARGET,)),
        ("ai", "ai", "stream", "/v1/chat/completions", (TARGET,)),
        ("ai, operation upload", "ai", "act", "/api/proxy/{name}/v1/files", (STATIC,)),
        ("model fast", "fast", "model", "/v1/chat/completions", (STATIC,)),
        ("model fast", "fast", "stream", "/v1/chat/completions", (STATIC,)),
        ("route llm", "llm", "model", "/api/proxy/{name}/v1/chat/completions", (STATIC,)),
        ("route llm", "llm", "stream", "/api/proxy/{name}/v1/chat/completions", (STATIC,)),
    ]
    assert json.loads(found[3].body)["model"] == "{name}"
    assert json.loads(found[5].body)["model"] == "m"


def test_an_operations_own_fallbacks_win_even_when_there_are_none() -> None:
    service = Service(
        name="crm",
        fallback=[STATIC],
        operations=[
            operation("list", "GET", "/items", fallback=[]),
            operation("add", "POST", "/items", "never"),
        ],
    )
    found = samples(snapshot(service, routes={"r": "crm"}, route_fallback={"r": [TARGET]}), service, BODIES)
    assert [(one.entry, one.form, one.chain) for one in found] == [
        ("crm", "read", ()),
        ("crm", "act", (STATIC,)),
        ("route r", "read", ()),
        ("route r", "act", (TARGET,)),
    ]
