"""The Python interface as user code meets it: the same calls through a running gateway and within the process."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.gateway import SECRETS, Trunkline
from tests.support.polling import eventually
from tests.support.processes import HANGS_S
from tests.support.product import REGISTRY
from tests.support.simulator import SimulatorProcess
from tests.support.site import Site, reply
from trunkline import AIModel, AsyncAIModel, AsyncTrunkline, IntegrationError
from trunkline import Trunkline as Blocking
from trunkline.client import inside
from trunkline.client.answers import Completion
from trunkline.ledger.query import Ledger

pytestmark = pytest.mark.row("A5")
MODEL, OTHER = "openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"
MODES = ("remote", "inside")


def registry(folder: Path, simulator: SimulatorProcess, site: Site) -> Path:
    path = folder / "trunkline.yaml"
    path.write_text(REGISTRY.format(simulator=simulator.address(), site=site.address))
    return path


@pytest.fixture(params=MODES)
def place(
    request: pytest.FixtureRequest,
    trunkline: Trunkline,
    simulator: SimulatorProcess,
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Any]:
    """What a Trunkline is made with."""
    for name in ("TRUNKLINE_URL", "TRUNKLINE_KEY"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "remote":
        return {"url": f"http://127.0.0.1:{trunkline.port}", "key": trunkline.key}
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return {"config": registry(tmp_path, simulator, site), "state_dir": tmp_path / "state", "env": "dev"}


@pytest.fixture
async def client(place: dict[str, Any]) -> AsyncIterator[AsyncTrunkline]:
    async with AsyncTrunkline(**place) as made:
        yield made


@pytest.mark.parametrize("model", [MODEL, OTHER])
async def test_one_call_reaches_any_vendors_model(client: AsyncTrunkline, model: str) -> None:
    answer = await client.complete("Say hello", model=model, max_completion_tokens=200)
    assert answer.text.startswith("Simulated answer")
    assert answer.stop == "stop"
    assert answer.usage.input > 0 < answer.usage.output
    assert answer.about.integration == model.partition("/")[0]
    assert answer.about.cost_usd is not None
    assert answer.message["role"] == "assistant"


@pytest.mark.parametrize("model", [MODEL, OTHER])
async def test_a_stream_comes_in_pieces_and_is_whole_at_the_end(client: AsyncTrunkline, model: str) -> None:
    stream = client.stream("Say hello", model=model)
    with pytest.raises(RuntimeError, match="has not ended"):
        _ = stream.completion
    pieces = [str(chunk) async for chunk in stream]
    assert len(pieces) > 3
    assert stream.completion.text == "".join(pieces)
    assert stream.completion.usage.output > 0
    with pytest.raises(RuntimeError, match="iterated once"):
        aiter(stream)


async def test_an_integration_takes_forms_as_its_vendor_reads_them(
    client: AsyncTrunkline, site: Site
) -> None:
    site.reset()
    answer = await client.integration("site").post(
        "/search items?x=1",
        form={"q": "a b", "metadata": {"order": 7}, "tags": ["x", True], "left": None},
        params={"page": 2},
        headers={"X-Extra": "1"},
    )
    heard = site.last
    assert answer.status == 200
    assert heard.target == "/base/search%20items?x=1&page=2"
    assert heard.body == b"q=a+b&metadata%5Border%5D=7&tags%5B0%5D=x&tags%5B1%5D=true"
    assert heard.field("x-extra") == "1"
    assert heard.field("x-site-key") == SECRETS["CRM_TOKEN"]
    assert not heard.field("x-trunkline-key")


async def test_a_failure_is_one_error_with_the_five_fields(client: AsyncTrunkline) -> None:
    with pytest.raises(IntegrationError) as caught:
        await client.integration("stripe").get("/v1/nothing/there")
    error = caught.value
    assert (error.source, error.code, error.retryable, error.status) == ("stripe", "not_found", False, 404)
    assert error.correlation_id == error.correlationId != ""
    assert error.message in str(error)
    assert error.upstream_status == 404


async def test_a_refusal_of_trunklines_own_names_it(client: AsyncTrunkline) -> None:
    with pytest.raises(IntegrationError) as caught:
        await client.complete("x", model="no-such-model")
    assert (caught.value.source, caught.value.code) == ("trunkline", "unknown_model")


async def test_a_stream_that_breaks_off_raises(client: AsyncTrunkline, site: Site) -> None:
    site.reset()
    event = b'data: {"id":"x","model":"tiny","choices":[{"index":0,"delta":{"content":"half"}}]}\n\n'
    site.script.append(reply(event, kind="text/event-stream"))
    pieces = aiter(client.stream("x", model="sitechat/tiny"))
    assert (await anext(pieces)).text == "half"
    with pytest.raises(IntegrationError) as caught:
        await anext(pieces)
    assert caught.value.source == "sitechat"


async def test_parallel_keeps_order_and_reports_failures(client: AsyncTrunkline) -> None:
    stripe = client.integration("stripe")
    answers = await client.parallel(
        [
            client.complete("one", model=MODEL),
            stripe.get("/v1/nothing"),
            client.complete("three", model=OTHER),
        ],
        at_once=2,
    )
    assert [type(answer) for answer in answers] == [Completion, IntegrationError, Completion]


async def test_structured_answers_become_the_asked_type(client: AsyncTrunkline, site: Site) -> None:
    @dataclass
    class City:
        name: str
        people: int | None

    site.reset()
    said = {"role": "assistant", "content": '{"name": "Bergen", "people": 290000}'}
    body = {"model": "tiny", "choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}
    site.script.append(reply(json.dumps(body).encode()))
    answer = await client.complete("Name a city", model="sitechat/tiny", schema=City)
    assert answer.parsed == City("Bergen", 290000)
    asked = json.loads(site.last.body)["response_format"]["json_schema"]
    assert asked["schema"]["required"] == ["name", "people"]
    assert asked["strict"] is True


async def test_embeddings_come_in_order(client: AsyncTrunkline) -> None:
    for model in ("openai/text-embedding-3-small", "gemini/gemini-embedding-001"):
        vectors = await client.embed_text(["a", "b", "a"], model=model, dimensions=8)
        assert [len(vector) for vector in vectors] == [8, 8, 8]
        assert vectors[0] == vectors[2] != vectors[1]
        assert vectors.usage.input == 3


async def test_metrics_tell_how_calls_fared(client: AsyncTrunkline) -> None:
    await client.complete("x", model=MODEL)
    await client.parallel([client.integration("stripe").get("/v1/nothing")])
    rows = {(row.integration, row.model): row for row in client.usage_metrics(reset=True)}
    model, stripe = rows["openai", MODEL], rows["stripe", ""]
    assert (model.calls, model.errors, model.unpriced) == (1, 0, 0)
    assert model.p50_ms > 0 < model.cost_usd
    assert model.quota_left is not None
    assert (stripe.calls, stripe.error_rate, stripe.by_code) == (1, 1.0, {"not_found": 1})
    assert client.usage_metrics() == []


async def test_a_model_is_an_object_that_code_can_depend_on(client: AsyncTrunkline) -> None:
    model = client.model(MODEL, temperature=0)
    assert isinstance(model, AsyncAIModel)
    answer = await model.complete("x", max_completion_tokens=9)
    assert answer.model


def test_the_same_without_asyncio(place: dict[str, Any]) -> None:
    with Blocking(**place) as client:
        assert isinstance(client.model(MODEL), AIModel)
        assert client.complete("x", model=MODEL).text
        stream = client.stream("x", model=OTHER)
        assert "".join(map(str, stream)) == stream.completion.text
        for _ in client.stream("x", model=MODEL):
            break
        answers = client.parallel(
            [lambda: client.complete("x", model=MODEL), lambda: client.complete("x", model="nope")]
        )
        assert [isinstance(a, IntegrationError) for a in answers] == [False, True]
        assert client.integration("stripe").get("/v1/customers").json()["object"] == "list"

    async def within() -> None:
        with pytest.raises(RuntimeError, match="AsyncTrunkline"):
            Blocking(**place).complete("x", model=MODEL)

    asyncio.run(within())


async def test_labels_of_the_object_hold_for_each_call(
    place: dict[str, Any], trunkline: Trunkline, tmp_path: Path
) -> None:
    async with AsyncTrunkline(**place, feature="checkout", tags="a=1") as client:
        answer = await client.complete("x", model=MODEL, feature="other")
        correlation_id = answer.about.correlation_id
    if "url" in place:
        assert trunkline.recorded(correlation_id).begin.feature == "other"
        return
    ledger = Ledger(tmp_path / "state" / "python" / "1" / "ledger")
    call = ledger.call(correlation_id)
    assert call is not None
    assert (call["feature"], call["tags"], call["state"]) == ("other", "a=1", "ok")


async def test_a_running_trunkline_is_attached_to(
    trunkline: Trunkline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUNKLINE_URL", f"http://127.0.0.1:{trunkline.port}/v1")
    monkeypatch.setenv("TRUNKLINE_KEY", trunkline.key)
    async with AsyncTrunkline() as client:
        assert (await client.complete("x", model=MODEL)).text


async def test_an_address_where_nothing_listens_is_told() -> None:
    async with AsyncTrunkline("http://127.0.0.1:9", key="tl_not_a_real_key") as client:
        with pytest.raises(IntegrationError) as caught:
            await client.complete("x", model=MODEL)
    assert (caught.value.code, caught.value.retryable) == ("unreachable", True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"url": "127.0.0.1:4000"}, "no address"),
        ({"url": "http://x:1"}, "key is needed"),
        ({"url": "http://u:p@x:1", "key": "k"}, "goes into `key`"),
        ({"url": "http://x:1", "key": "two words"}, "copied whole"),
        ({"config": "/nowhere/trunkline.yaml", "state_dir": "/tmp/nowhere"}, "no registry"),
    ],
)
async def test_a_place_that_cannot_be_used_is_told(
    given: Mapping[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRUNKLINE_KEY", raising=False)
    with pytest.raises(ValueError, match=told):
        await AsyncTrunkline(**given).complete("x", model=MODEL)  # type: ignore[arg-type]


def in_a_process(place: dict[str, Any], held: Any, done: Any) -> None:
    with Blocking(**place) as client:
        client.complete("x", model=MODEL)
        held.set()
        done.wait(HANGS_S)


@pytest.mark.parametrize("place", ["inside"], indirect=True)
async def test_each_process_has_a_journal_of_its_own(place: dict[str, Any], tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    held, done = spawn.Event(), spawn.Event()
    other = spawn.Process(target=in_a_process, args=(place, held, done))
    other.start()
    assert await asyncio.to_thread(held.wait, HANGS_S)
    async with AsyncTrunkline(**place) as client:
        await client.complete("x", model=MODEL)
    done.set()
    await asyncio.to_thread(other.join)
    for number in ("1", "2"):
        calls = Ledger(tmp_path / "state" / "python" / number / "ledger").calls().calls
        assert [call["state"] for call in calls] == ["ok"]


def add_later(registry: Path) -> None:
    more = '  later: {base_url: "http://127.0.0.1:1", auth: {kind: none}}\n  stripe:'
    registry.write_text(registry.read_text().replace("  stripe:", more))


@pytest.mark.parametrize("opening", [False, True])
@pytest.mark.parametrize("place", ["inside"], indirect=True)
async def test_a_changed_registry_is_taken_up_in_process(
    place: dict[str, Any], opening: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if opening:  # the file changes when it was read, and nothing follows it yet

        def admit(slot: Any, key: str, admit: Any = inside._admit) -> None:
            admit(slot, key)
            add_later(place["config"])

        monkeypatch.setattr(inside, "_admit", admit)
    async with AsyncTrunkline(**place) as client:
        loop, later = asyncio.get_running_loop(), client.integration("later")
        if not opening:
            with pytest.raises(IntegrationError, match="no integration"):
                await later.get("/x")
            add_later(place["config"])

        def reached() -> bool:
            told = asyncio.run_coroutine_threadsafe(client.parallel([later.get("/x")]), loop).result()
            return not isinstance(told[0], IntegrationError) or told[0].code != "unknown_route"

        await asyncio.to_thread(eventually, reached, "the registry to be taken up")
