"""From a request to its route: which integration, which path there, which operation, which model; and what is refused."""

from __future__ import annotations

import json

import pytest

from tests.unit.engine.test_body import Arriving
from trunkline.core.flow import Budget, Scope
from trunkline.core.price import Price
from trunkline.core.service import Dialect, Model, Operation
from trunkline.engine.endpoints import Named, dialect_of
from trunkline.testing import Trial, answers, cuts, request, service
from trunkline.testing.trial import DIALECTS
from trunkline.wire.request import Request

OK = answers(200, b'{"model":"tiny-1","choices":[]}')
OK_USED = answers(200, b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":6}}')


@pytest.mark.row("A1")
@pytest.mark.parametrize(
    ("path", "named"),
    [
        (b"/v1/chat/completions", Named("openai-chat", "", "")),
        (b"/v1/embeddings", Named("openai-embeddings", "", "")),
        (b"/v1/responses", Named("openai-responses", "", "")),
        (b"/v1/messages", Named("anthropic-messages", "", "")),
        (b"/api/chat", Named("ollama-chat", "", "")),
        (b"/v1/messages/count_tokens", Named("anthropic-count-tokens", "", "")),
        (b"/v1beta/models/g:generateContent", Named("gemini-generate", "g", "generateContent")),
        (b"/v1/models/g:streamGenerateContent", Named("gemini-generate", "g", "streamGenerateContent")),
        (b"/v1beta/models/a/b:embedContent", Named("gemini-embed", "a/b", "embedContent")),
        (b"/v1beta/models/a%2Fb:batchEmbedContents", Named("gemini-embed", "a/b", "batchEmbedContents")),
        (b"/v1beta/models/g:countTokens", Named("gemini-count", "g", "countTokens")),
        (b"/v1/models/g", None),
        (b"/v1/models", None),
        (b"/v2/models/g:generateContent", None),
        (b"/v1beta/models/g:deleteEverything", None),
        (b"/v1/chat/completions/", None),
        (b"/api/proxy/x/v1/messages", None),
    ],
)
def test_a_path_belongs_to_a_dialect_or_to_none(path: bytes, named: Named | None) -> None:
    assert dialect_of(path) == named


@pytest.mark.row("P1", "P5")
@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/api/proxy/acme/v1/things?a=b&c=%20", b"/v1/things?a=b&c=%20"),
        ("/api/proxy/pay/v1/things", b"/v1/things"),
        ("/api/proxy/acme", b"/"),
        ("/api/proxy/acme/", b"/"),
        ("/api/proxy/acme/a%20b/", b"/a%20b/"),
    ],
)
async def test_a_proxied_path_goes_on_as_it_is(target: str, sent: bytes) -> None:
    trial = Trial(answers(200, b"{}"), routes={"pay": "acme"})
    heard = await trial.ask("GET", target)
    assert (heard.status, trial.wire.sent[0].target) == (200, sent)


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    ("target", "status", "told"),
    [
        ("/api/proxy/acmee/x", 404, "no integration or route is named 'acmee'; did you mean 'acme'?"),
        ("/api/proxy/zzz/x", 404, "no integration or route is named 'zzz'; known: acme"),
        ("/api/proxy//x", 404, "no integration or route is named ''; known: acme"),
        ("/api/proxy/acme/../other", 400, "the path holds a dot segment (`.` or `..`), which Trunkline does not send on"),
        ("/api/proxy/acme/https://evil.test/", 400, "the path holds an empty segment (`//`), which Trunkline does not send on"),
        ("/api/other", 404, "there is nothing at GET /api/other"),
    ],
)  # fmt: skip
async def test_what_leads_nowhere_is_refused(target: str, status: int, told: str) -> None:
    trial = Trial()
    heard = await trial.ask("GET", target)
    assert (heard.status, json.loads(heard.body)["message"], trial.wire.sent) == (status, told, [])


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("method", "path", "name", "acts"),
    [
        ("POST", "charges", "charge", True),
        ("POST", "search", "search", False),
        ("GET", "charges/1", "get", False),
        ("PATCH", "charges/1", "", True),
    ],
)
async def test_the_declared_operation_says_whether_it_may_be_repeated(
    method: str, path: str, name: str, acts: bool
) -> None:
    operations = [
        Operation(name="charge", method="POST", path="/charges"),
        Operation(name="search", method="POST", path="/search", repeat="always"),
        Operation(name="get", method="GET", path="/charges/{id}", repeat="always"),
    ]
    trial = Trial(answers(200, b"{}"), services=[service(operations=operations)])
    await trial.ask(method, f"/api/proxy/acme/{path}")
    assert (trial.begins[0].operation, trial.begins[0].acts) == (name, acts)


@pytest.mark.row("A1")
@pytest.mark.parametrize(
    ("target", "body", "path", "sent"),
    [
        ("/v1/chat/completions", b'{ "model": "acme/tiny", "x": 1.0 }', b"/v1/chat/completions", b'{ "model": "tiny", "x": 1.0 }'),
        ("/v1/chat/completions", b'{"model":"tiny","x":[]}', b"/v1/chat/completions", b'{"model":"tiny","x":[]}'),
        ("/v1/chat/completions", b'{"model":"fast"}', b"/v1/chat/completions", b'{"model":"tiny"}'),
        ("/v1/messages", b'{"model":"fast"}', b"/v1/messages", b'{"model":"tiny"}'),
        ("/v1/responses", b'{"a":{"model":"fast"},"model":"fast"}', b"/v1/responses", b'{"a":{"model":"fast"},"model":"tiny"}'),
        ("/v1beta/models/fast:generateContent", b"{}", b"/v1beta/models/tiny:generateContent", b"{}"),
        ("/v1/models/acme/tiny:countTokens", b"{}", b"/v1beta/models/tiny:countTokens", b"{}"),
    ],
)  # fmt: skip
async def test_a_model_goes_by_its_vendors_name_and_no_other_byte_changes(
    target: str, body: bytes, path: bytes, sent: bytes
) -> None:
    trial = Trial(OK, aliases={"fast": "acme/tiny"})
    heard = await trial.ask("POST", target, body)
    assert (heard.status, heard.field(b"x-trunkline-model")) == (200, b"acme/tiny")
    assert (trial.wire.sent[0].target, trial.wire.sent[0].body) == (path, sent)


@pytest.mark.row("A1", "E1")
@pytest.mark.parametrize(
    ("body", "param"), [(b'{"model":1}', "model"), (b'{"model":"a","stream":"yes"}', "stream")]
)
async def test_a_member_that_does_not_fit_is_named(body: bytes, param: str) -> None:
    heard = await Trial().ask("POST", "/v1/chat/completions", body)
    assert (heard.status, json.loads(heard.body)["error"]["param"]) == (400, param)


@pytest.mark.row("A1")
@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is no valid JSON"),
        (b"{", "the body is no valid JSON"),
        (b"[]", "the body does not fit"),
        (b'{"model":1}', "the body does not fit"),
        (b"{}", "the body does not fit"),
        (b'{"model":""}', "the body names no `model`"),
        (b'{"model":"a","model":"b"}', "the body names `model` or `stream` more than once"),
        (b'{"model":"' + b"\xff" + b'"}', "no valid JSON"),
        (b'{"model":"tiny","x":' + b"[" * 3000 + b"]" * 3000 + b"}", "no valid JSON"),
        (b'{"mod\\u0065l":1}', "no JSON object with a `model` that is a string"),
    ],
)
async def test_a_body_whose_model_cannot_be_known_is_the_callers_mistake(body: bytes, told: str) -> None:
    trial = Trial()
    heard = await trial.ask("POST", "/v1/chat/completions", body)
    error = json.loads(heard.body)["error"]
    assert (heard.status, trial.wire.sent) == (400, [])
    assert told in error["message"]
    assert error["code"] == "invalid_request"


@pytest.mark.row("A1")
async def test_only_post_reaches_a_model() -> None:
    heard = await Trial().ask("GET", "/v1/chat/completions")
    assert (heard.status, json.loads(heard.body)["error"]["message"]) == (
        400,
        "/v1/chat/completions takes POST, not GET",
    )


async def test_a_vendor_that_does_not_speak_the_dialect_is_named_with_those_it_speaks() -> None:
    trial = Trial(services=[service(dialects=[Dialect(name="openai-chat", path="/chat")])])
    heard = await trial.ask("POST", "/v1/embeddings", b'{"model":"tiny"}')
    message = json.loads(heard.body)["error"]["message"]
    assert message == "integration 'acme' does not speak 'openai-embeddings'; it speaks: openai-chat"


async def test_a_model_with_slashes_is_one_segment_of_the_vendors_path() -> None:
    trial = Trial(OK, services=[service(models=[Model(id="a/b c")])])
    await trial.ask("POST", "/v1beta/models/acme/a%2Fb%20c:generateContent", b"{}")
    assert trial.wire.sent[0].target == b"/v1beta/models/a%2Fb%20c:generateContent"


@pytest.mark.row("P1")
@pytest.mark.parametrize("name", ["..", ".", "../../admin", "a/../b", "%2e%2e"])
async def test_a_model_name_cannot_leave_the_vendors_path(name: str) -> None:
    """Azure has the deployment in the middle of the path."""
    azure = service(dialects=[Dialect(name="openai-chat", path="/openai/deployments/{model}/chat")])
    trial = Trial(OK, services=[azure])
    await trial.ask("POST", "/v1/chat/completions", json.dumps({"model": f"acme/{name}"}).encode())
    for sent in trial.wire.sent:
        segments = sent.target.split(b"/")
        assert (len(segments), segments[1:3], segments[4]) == (5, [b"openai", b"deployments"], b"chat")
        assert segments[3] not in (b"..", b".")


@pytest.mark.row("P1", "W1")
@pytest.mark.parametrize("name", ["acme/x\r\nset-cookie: a=b", "acme/x\ny", "acme/x\0", "acme/\x1b[2J"])
async def test_a_model_name_cannot_add_lines_to_the_answer(name: str) -> None:
    trial = Trial(OK)
    heard = await trial.ask("POST", "/v1/chat/completions", json.dumps({"model": name}).encode())
    for value in (value for _, value in heard.fields):
        assert all(0x20 <= byte < 0x7F for byte in value)
    assert b"set-cookie" not in [name for name, _ in heard.fields]


@pytest.mark.row("W1")
async def test_a_model_name_cannot_bring_members_of_its_own() -> None:
    trial = Trial(OK)
    await trial.ask("POST", "/v1/chat/completions", json.dumps({"model": 'acme/a","model":"b'}).encode())
    for sent in trial.wire.sent:
        assert json.loads(sent.body, object_pairs_hook=list) == [("model", 'a","model":"b')]


@pytest.mark.row("A1")
async def test_a_body_that_is_still_arriving_is_renamed_on_its_way() -> None:
    asked = request("POST", "/v1/chat/completions", b'{"messages":["')
    asked.stream = Arriving(b"x" * 50, b'"],"mo', b'del":"fast","stream"', b":false", b',"a":1}')  # type: ignore[assignment]
    asked.stream.length = None  # type: ignore[union-attr]
    trial = Trial(OK, aliases={"fast": "acme/tiny"})
    heard = trial.hand(asked)
    await trial.until(lambda: heard.whole)
    assert json.loads(trial.wire.sent[0].body) == {
        "messages": ["x" * 50],
        "model": "tiny",
        "stream": False,
        "a": 1,
    }
    assert trial.wire.sent[0].field(b"transfer-encoding") == b"chunked"


@pytest.mark.row("O1")
async def test_a_proxied_call_in_a_known_dialect_is_read_and_priced_and_not_changed() -> None:
    spec = service(dialects=DIALECTS, models=[Model(id="tiny", price=Price(input=1.0, output=1.0))])
    body = b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":6}}'
    trial = Trial(answers(200, body), services=[spec])
    heard = await trial.ask("POST", "/api/proxy/acme/v1/chat/completions", b'{ "model": "tiny" }')
    assert (heard.body, trial.wire.sent[0].body) == (body, b'{ "model": "tiny" }')
    (end,) = trial.ends
    assert (trial.begins[0].ingress, end.input_tokens, end.output_tokens) == ("proxy", 4, 6)
    assert end.cost_usd == pytest.approx(10e-6)


def long_body(size: int, rest: str = '"model":"tiny"') -> bytes:
    return b'{"messages":["' + b"x" * size + b'"],' + rest.encode() + b"}"


def proxied(body: bytes, *, arriving: bool = False) -> Request:
    """A proxied model call; `arriving`: most of its body still comes, in pieces."""
    if not arriving:
        return request("POST", "/api/proxy/acme/v1/chat/completions", body)
    asked = request("POST", "/api/proxy/acme/v1/chat/completions", body[:100])
    asked.stream = Arriving(*[body[at : at + 50_000] for at in range(100, len(body), 50_000)])  # type: ignore[assignment]
    asked.stream.length = len(body) - 100  # type: ignore[union-attr]
    return asked


@pytest.mark.row("O1", "O2")
@pytest.mark.parametrize(("size", "arriving"), [(10, False), (300_000, False), (300_000, True), (10, True)])
async def test_a_proxied_model_call_is_priced_whatever_the_length_of_its_body(
    size: int, arriving: bool
) -> None:
    trial = Trial(
        OK_USED, budgets=[Budget(name="all", usd=9.0, unpriced="block", scope=Scope(model="acme/t*"))]
    )
    body = long_body(size)
    heard = trial.hand(proxied(body, arriving=arriving))
    await trial.until(lambda: heard.closed and not trial.gateway.running)
    (end,) = trial.ends
    assert (heard.status, trial.wire.sent[0].body, trial.begins[0].model) == (200, body, "tiny")
    assert (end.input_tokens, end.output_tokens, end.cost_usd) == (4, 6, pytest.approx(16e-6))
    assert [one.spent_usd for one in trial.budget.standings()] == [pytest.approx(16e-6)]


@pytest.mark.row("F7")
@pytest.mark.parametrize("arriving", [False, True])
async def test_a_proxied_stream_of_a_long_call_that_breaks_off_ends_in_an_error_event(arriving: bool) -> None:
    content = b'data: {"model":"tiny-1","choices":[{"delta":{"content":"a"}}]}\n\n'
    trial = Trial(cuts(content))
    heard = trial.hand(proxied(long_body(300_000, '"stream":true,"model":"tiny"'), arriving=arriving))
    await trial.until(lambda: heard.closed and not trial.gateway.running)
    assert heard.body.startswith(content)
    assert b'"code":"network"' in heard.body
    assert heard.whole


@pytest.mark.parametrize(
    "rest", ['"model":"tiny","model":"big"', '"model":7', '"stream":true', '"model'],
)  # fmt: skip
@pytest.mark.parametrize(("size", "arriving"), [(10, False), (300_000, False), (300_000, True)])
async def test_a_proxied_body_whose_model_cannot_be_known_is_the_vendors_to_judge_unless_prices_are_wanted(
    rest: str, size: int, arriving: bool
) -> None:
    body = long_body(size, rest)
    for budget, status in (
        (Budget(name="all", usd=9.0), 200),
        (Budget(name="all", usd=9.0, unpriced="block"), 402),
    ):
        trial = Trial(OK_USED, budgets=[budget])
        heard = trial.hand(proxied(body, arriving=arriving))
        await trial.until(lambda heard=heard, trial=trial: heard.closed and not trial.gateway.running)  # type: ignore[misc]
        assert heard.status == status, heard.body
        assert trial.begins[0].model == ""


async def test_a_long_body_to_a_path_of_no_dialect_goes_on_as_it_comes() -> None:
    asked = request("POST", "/api/proxy/acme/v1/files", b"{")
    rest = asked.stream = Arriving(*[b"x" * 1000] * 5)  # type: ignore[assignment]
    rest.length = 5000  # type: ignore[attr-defined]
    trial = Trial(OK)
    trial.hand(asked)
    assert len(rest.pieces) == 5, "nothing was read before it was sent"
    await trial.turn(30)
    assert trial.wire.sent[0].body == b"{" + b"x" * 5000


async def test_routes_of_models_are_shared_between_calls_and_not_between_dialects() -> None:
    trial = Trial(*[OK] * 4)
    for target in ("/v1/chat/completions", "/v1/chat/completions", "/v1/responses"):
        await trial.ask("POST", target, b'{"model":"tiny"}')
    assert set(trial.gateway.world.model_routes) == {
        ("openai-chat", "tiny", ""),
        ("openai-responses", "tiny", ""),
    }


BOTH = [
    Dialect(name="openai-chat", path="/v1/chat/completions"),
    Dialect(name="ollama-chat", path="/api/chat"),
]
BOTH += [Dialect(name="openai-embeddings", path="/v1/embeddings")]


@pytest.mark.row("A2")
@pytest.mark.parametrize(
    ("speak", "caller", "target"),
    [
        ("", "/v1/chat/completions", b"/v1/chat/completions"),
        ("", "/v1/messages", b"/v1/chat/completions"),
        ("ollama-chat", "/v1/chat/completions", b"/api/chat"),
        ("ollama-chat", "/v1/messages", b"/api/chat"),
        ("ollama-chat", "/v1/embeddings", b"/v1/embeddings"),
        ("openai-chat", "/v1/chat/completions", b"/v1/chat/completions"),
    ],
)
async def test_models_are_called_in_the_dialect_that_the_registry_wants_spoken(
    speak: str, caller: str, target: bytes
) -> None:
    trial = Trial(
        answers(400, b"{}"),
        services=[service("local", dialects=BOTH, speak=speak, models=[Model(id="tiny")])],
    )
    said = {
        "model": "local/tiny",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "hi"}],
        "input": "hi",
    }
    await trial.ask("POST", caller, json.dumps(said).encode())
    assert trial.wire.sent[0].target == target
