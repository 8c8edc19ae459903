"""Responses that are come back to by id, with vendors that keep them and with those that keep nothing."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from trunkline.core.flow import Fallback
from trunkline.core.handling import DataRules, Privacy, StoredBounds
from trunkline.core.service import Credential, Dialect
from trunkline.engine import translate_call
from trunkline.gateway.responses import Responses
from trunkline.plugins.policies import stored_responses
from trunkline.testing import (
    FakeClock,
    Heard,
    Play,
    Trial,
    answers,
    caller_key,
    fails,
    service,
    streams,
)
from trunkline.wire.errors import ConnectRefused

pytestmark = pytest.mark.row("A1")

DAY = 86400.0
JSON = ("content-type", "application/json")
CLAUDE = service("claude", dialects=[Dialect(name="anthropic-messages", path="/v1/messages")])
OTHERS = caller_key("tl_test_other_team", id="key-2", team="kitchen")
REFUSED = fails(ConnectRefused("refused"), sent=False)


def said(text: str, **more: Any) -> Play:
    """What Anthropic answers."""
    told = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "tiny-1",
        "stop_reason": "end_turn",
    }
    usage = {"input_tokens": 3, "output_tokens": 2}
    content = [{"type": "text", "text": text}]
    return answers(200, json.dumps({**told, "usage": usage, "content": content, **more}).encode())


def told(text: str) -> Play:
    """The same as a stream."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "tiny-1",
         "usage": {"input_tokens": 3, "output_tokens": 0}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]  # fmt: skip
    return streams(*[f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events])


def kept_by_vendor(id_: str) -> Play:
    return answers(
        200, json.dumps({"id": id_, "object": "response", "model": "tiny-1", "output": []}).encode()
    )


def of(heard: Heard) -> Any:
    return json.loads(heard.body)


class Stage:
    """Gateways one after the other on the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, FakeClock()
        self.bounds = StoredBounds()

    def start(self, *plays: Play, **given: Any) -> Trial:
        """A new process; an earlier one is taken to be dead."""
        self.responses = Responses(self.folder, b"k" * 32, self.clock.wall, self.bounds)
        self.responses.store.open(self.clock.wall())
        given = {"services": [CLAUDE, service()], "keys": [caller_key(), OTHERS], **given}
        self.trial = Trial(*plays, responses=self.responses, clock=self.clock, **given)
        return self.trial

    async def ask(self, input_: Any = "hello", model: str = "claude/tiny", **body: Any) -> dict[str, Any]:
        heard = await self.trial.ask(
            "POST", "/v1/responses", json.dumps({"model": model, "input": input_, **body}).encode(), JSON
        )
        assert heard.status == 200, heard.body
        if body.get("stream"):
            return json.loads(heard.body.split(b"data: ")[-1])["response"]  # type: ignore[no-any-return]
        return of(heard)  # type: ignore[no-any-return]

    async def get(self, path: str, method: str = "GET", **given: Any) -> Heard:
        return await self.trial.ask(method, f"/v1/responses/{path}", **given)

    def sent(self, n: int = -1) -> Any:
        """The body of a request that reached a vendor."""
        return json.loads(self.trial.wire.sent[n].body)

    def words(self) -> list[tuple[str, str]]:
        """Who said what in the newest request to Anthropic."""
        return [
            (
                one["role"],
                one["content"]
                if isinstance(one["content"], str)
                else "".join(p.get("text", "") for p in one["content"]),
            )
            for one in self.sent()["messages"]
        ]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_turn_goes_on_from_one_that_a_vendor_without_memory_answered(
    stage: Stage, stream: bool
) -> None:
    stage.start(told("Hello Ada.") if stream else said("Hello Ada."), said("Ada."), said("Still Ada."))
    first = await stage.ask("I am Ada.", stream=stream)
    second = await stage.ask("Who am I?", previous_response_id=first["id"])
    third = await stage.ask("Sure?", previous_response_id=second["id"])

    assert stage.words() == [
        ("user", "I am Ada."), ("assistant", "Hello Ada."), ("user", "Who am I?"), ("assistant", "Ada."), ("user", "Sure?"),
    ]  # fmt: skip
    assert [one["previous_response_id"] for one in (first, second, third)] == [
        None,
        first["id"],
        second["id"],
    ]
    assert len({one["id"] for one in (first, second, third)}) == 3, "the vendor gave all the same id"
    assert "previous_response_id" not in stage.sent()


async def test_two_turns_may_follow_the_same_one(stage: Stage) -> None:
    stage.start(said("Hello."), said("one"), said("two"))
    first = await stage.ask("hello")
    await stage.ask("left", previous_response_id=first["id"])
    await stage.ask("right", previous_response_id=first["id"])
    assert stage.words() == [("user", "hello"), ("assistant", "Hello."), ("user", "right")]


async def test_instructions_of_a_turn_before_do_not_hold_on(stage: Stage) -> None:
    stage.start(said("Hello."), said("again"))
    first = await stage.ask("hello", instructions="Rhyme.")
    await stage.ask("more", previous_response_id=first["id"])
    assert stage.sent(0)["system"]
    assert "system" not in stage.sent()


async def test_a_call_of_a_tool_and_its_result_are_joined_again(stage: Stage) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}}
    stage.start(said("", content=[call], stop_reason="tool_use"), said("Blue."))
    tools = [{"type": "function", "name": "look", "parameters": {"type": "object"}}]
    first = await stage.ask("Colour?", tools=tools)
    made = next(one for one in first["output"] if one["type"] == "function_call")
    result = [{"type": "function_call_output", "call_id": made["call_id"], "output": "blue"}]
    await stage.ask(result, previous_response_id=first["id"], tools=tools)
    roles = [(one["role"], [part["type"] for part in one["content"]]) for one in stage.sent()["messages"][1:]]
    assert roles == [("assistant", ["tool_use"]), ("user", ["tool_result"])]


async def test_what_is_kept_outlives_the_process_and_is_had_whole(stage: Stage) -> None:
    stage.start(said("Hello."))
    first = await stage.ask("hello", metadata={"order": "7"})
    stage.start()
    heard = await stage.get(first["id"])
    assert (heard.status, of(heard)) == (200, first)
    assert (first["store"], first["status"], first["metadata"]) == (True, "completed", {"order": "7"})
    assert stage.trial.wire.sent == []


async def test_input_items_are_listed_with_those_of_earlier_turns(stage: Stage) -> None:
    stage.start(said("Hello."), said("Ada."))
    first = await stage.ask("I am Ada.")
    second = await stage.ask([{"role": "user", "content": "Who am I?"}], previous_response_id=first["id"])
    listed = of(await stage.get(f"{second['id']}/input_items?order=asc"))
    texts = [(one["role"], one["content"][0]["text"], one["type"]) for one in listed["data"]]
    assert texts == [
        ("user", "I am Ada.", "message"),
        ("assistant", "Hello.", "message"),
        ("user", "Who am I?", "message"),
    ]
    assert (listed["has_more"], listed["last_id"]) == (False, listed["data"][-1]["id"])

    newest = of(await stage.get(f"{second['id']}/input_items?limit=1"))
    assert (newest["data"][0]["content"][0]["text"], newest["has_more"]) == ("Who am I?", True)
    after = of(await stage.get(f"{second['id']}/input_items?limit=1&after={newest['last_id']}"))
    assert after["data"][0]["content"][0]["text"] == "Hello."


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "after=nothing"])
async def test_odd_pages_are_refused(stage: Stage, query: str) -> None:
    stage.start(said("Hello."))
    first = await stage.ask()
    assert (await stage.get(f"{first['id']}/input_items?{query}")).status == 400


async def test_deleted_it_is_gone_from_the_disk_too(stage: Stage) -> None:
    stage.start(said("Hello."))
    first = await stage.ask()
    stage.responses.store.tend()
    before = [path.read_bytes() for path in stage.folder.rglob("*") if path.is_file()]
    heard = await stage.get(first["id"], "DELETE")
    assert of(heard) == {"id": first["id"], "object": "response", "deleted": True}
    assert (await stage.get(first["id"])).status == 404
    assert (await stage.get(first["id"], "DELETE")).status == 404
    after = [path.read_bytes() for path in stage.folder.rglob("*") if path.is_file()]
    assert sum(not any(one) for one in after if one) > sum(not any(one) for one in before if one)
    stage.start()
    assert (await stage.get(first["id"])).status == 404


async def test_one_that_has_ended_cannot_be_cancelled_or_streamed_again(stage: Stage) -> None:
    stage.start(said("Hello."))
    first = await stage.ask()
    cancelled = await stage.get(f"{first['id']}/cancel", "POST")
    assert (cancelled.status, "background" in of(cancelled)["error"]["message"]) == (400, True)
    assert (await stage.get(f"{first['id']}?stream=true")).status == 400


async def test_another_team_finds_nothing(stage: Stage) -> None:
    stage.start(said("Hello."), said("again"))
    first = await stage.ask()
    assert (await stage.get(first["id"], key="tl_test_other_team")).status == 404
    body = json.dumps({"model": "claude/tiny", "input": "x", "previous_response_id": first["id"]}).encode()
    heard = await stage.trial.ask("POST", "/v1/responses", body, key="tl_test_other_team")
    assert (heard.status, of(heard)["error"]["param"]) == (400, "previous_response_id")


async def test_a_vendor_that_keeps_its_own_is_asked_for_it(stage: Stage) -> None:
    pool = [Credential(ref="env:ONE"), Credential(ref="env:TWO"), Credential(ref="env:THREE")]
    stage.start(kept_by_vendor("resp_v"), services=[CLAUDE, service(credentials=pool)])
    await stage.ask(model="acme/tiny")
    account = stage.trial.ends[-1].tried[-1].credential
    for _ in range(4):  # over a restart, at the same account each time
        stage.start(kept_by_vendor("resp_v"), services=[CLAUDE, service(credentials=pool)])
        heard = await stage.get("resp_v/input_items?limit=3")
        assert (heard.status, stage.trial.ends[-1].tried[-1].credential) == (200, account)
        assert stage.trial.wire.sent[0].target == b"/v1/responses/resp_v/input_items?limit=3"


async def test_a_turn_after_one_at_a_vendor_goes_there_after_a_restart_unchanged(stage: Stage) -> None:
    pool = [Credential(ref="env:ONE"), Credential(ref="env:TWO"), Credential(ref="env:THREE")]
    stage.start(kept_by_vendor("resp_v"), services=[service(credentials=pool)])
    await stage.ask(model="acme/tiny")
    account = stage.trial.ends[-1].tried[-1].credential
    for _ in range(4):
        stage.start(kept_by_vendor("resp_w"), services=[service(credentials=pool)])
        await stage.ask(model="acme/tiny", previous_response_id="resp_v")
        assert (stage.sent()["previous_response_id"], stage.trial.ends[-1].tried[-1].credential) == (
            "resp_v",
            account,
        )


async def test_a_vendor_of_responses_is_given_the_turns_that_another_answered(stage: Stage) -> None:
    thought = [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": "Hello."}]
    stage.start(said("", content=thought), kept_by_vendor("resp_v"))
    first = await stage.ask("I am Ada.")
    await stage.ask("Who am I?", model="acme/tiny", previous_response_id=first["id"])
    sent = stage.sent()
    assert "previous_response_id" not in sent
    assert [(one["type"], one.get("role")) for one in sent["input"]] == [
        ("message", "user"),
        ("message", "assistant"),
        ("message", "user"),
    ]
    assert all("id" not in one for one in sent["input"])


async def test_a_key_for_the_model_alone_comes_back_to_what_it_made(stage: Stage) -> None:
    narrow = caller_key(scopes=["model:acme/*"])
    stage.start(kept_by_vendor("resp_v"), kept_by_vendor("resp_v"))
    stage.trial.access.load(
        stage.trial.access_callers([narrow]), b"pepper-of-tests", b"token-key-of-tests"
    ) if False else None
    await stage.ask(model="acme/tiny")
    assert (await stage.get("resp_v")).status == 200


async def test_a_key_of_the_team_that_may_not_use_the_model_finds_nothing(stage: Stage) -> None:
    keys = [
        caller_key(),
        caller_key("tl_test_narrow", id="key-3", scopes=["model:claude/small", "integration:crm"]),
    ]
    stage.start(said("Hello."), kept_by_vendor("resp_v"), keys=keys)
    ours, theirs = await stage.ask(), await stage.ask(model="acme/tiny")
    heard = [await stage.get(one["id"], key="tl_test_narrow") for one in (ours, theirs)]
    assert [one.status for one in heard] == [404, 404]
    assert (await stage.get(ours["id"])).status == 200


async def test_a_key_for_an_alias_comes_back_to_what_it_made_by_it(stage: Stage) -> None:
    keys = [caller_key(scopes=["model:quick"])]
    stage.start(said("Hello."), keys=keys, aliases={"quick": "claude/tiny"})
    first = await stage.ask(model="quick")
    assert of(await stage.get(first["id"])) == first


async def test_turns_of_before_are_looked_into_where_they_go(stage: Stage) -> None:
    """A card that one vendor may have does not reach another, which may not, by way of what is kept."""
    blocks = service("acme", privacy=Privacy(rules=DataRules(block=["payment.card"])))
    stage.start(said("Noted."), services=[CLAUDE, blocks])
    first = await stage.ask("My card is 4242424242424242.")
    body = {"model": "acme/tiny", "input": "Which card?", "previous_response_id": first["id"]}
    heard = await stage.trial.ask("POST", "/v1/responses", json.dumps(body).encode(), JSON)
    assert (heard.status, of(heard)["code"], len(stage.trial.wire.sent)) == (422, "data_blocked", 1)


async def test_what_is_kept_of_a_request_is_what_went_out(stage: Stage) -> None:
    rules = DataRules(redact=["payment.card"])
    redacts = service("claude", dialects=CLAUDE.dialects, privacy=Privacy(rules=rules))
    stage.start(said("Noted."), said("Noted again."), services=[redacts])
    first = await stage.ask("My card is 4242424242424242.")
    second = await stage.ask("And 5555555555554444.", previous_response_id=first["id"])
    listed = (await stage.get(f"{second['id']}/input_items")).body
    assert b"Noted." in listed
    assert b"4242424242424242" not in listed
    assert b"5555555555554444" not in listed


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_is_blotted_on_its_way_is_not_kept_as_it_was(stage: Stage, stream: bool) -> None:
    rules = DataRules(redact=["payment.card"], answers=True)
    redacts = service("claude", dialects=CLAUDE.dialects, privacy=Privacy(rules=rules))
    text = "It is 4242424242424242."
    stage.start(told(text) if stream else said(text), services=[redacts])
    first = await stage.ask("Which card?", stream=stream)
    assert "4242424242424242" not in json.dumps(first)
    assert (first["store"], (await stage.get(first["id"])).status) == (False, 404)
    assert stage.responses.store.stats()["keys"] == 0


@pytest.mark.parametrize("body", [{"store": False}, {"store": False, "stream": True}])
async def test_nothing_is_kept_of_a_call_that_wants_nothing_kept(stage: Stage, body: dict[str, Any]) -> None:
    stage.start(told("Hello.") if body.get("stream") else said("Hello."))
    first = await stage.ask(**body)
    assert first["store"] is False
    assert (await stage.get(first["id"])).status == 404
    assert stage.responses.store.stats()["keys"] == 0


async def test_nothing_is_kept_where_the_registry_says_so(stage: Stage) -> None:
    stage.bounds = StoredBounds(keep=0.0)
    stage.start(said("Hello."))
    first = await stage.ask()
    assert (first["store"], (await stage.get(first["id"])).status) == (False, 404)


async def test_what_failed_is_not_kept(stage: Stage) -> None:
    stage.start(*[answers(500, b"{}")] * 9)
    await stage.trial.ask("POST", "/v1/responses", b'{"model":"claude/tiny","input":"x"}')
    assert stage.responses.store.stats()["keys"] == 0


async def test_a_fallback_to_another_vendor_is_kept_as_well(stage: Stage) -> None:
    down = service("acme", fallback=[Fallback(kind="target", target="claude/tiny")])
    stage.start(*[REFUSED] * 3, said("Hello."), said("Ada."), services=[down, CLAUDE])
    first = await stage.ask("I am Ada.", model="acme/tiny")
    assert of(await stage.get(first["id"])) == first
    await stage.ask("Who am I?", previous_response_id=first["id"])
    assert stage.words()[0] == ("user", "I am Ada.")


async def test_after_its_time_it_is_gone_and_so_are_turns_that_rest_on_it(stage: Stage) -> None:
    stage.start(said("Hello."), said("Ada."))
    first = await stage.ask("I am Ada.")
    stage.clock.advance(DAY / 2)
    second = await stage.ask("Who am I?", previous_response_id=first["id"])
    stage.clock.advance(DAY / 2 + 1)
    assert (await stage.get(first["id"])).status == 404
    body = json.dumps({"model": "claude/tiny", "input": "x", "previous_response_id": second["id"]}).encode()
    heard = await stage.trial.ask("POST", "/v1/responses", body)
    assert (heard.status, "kept no more" in of(heard)["error"]["message"]) == (400, True)


async def test_turns_without_end_are_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_responses, "MOST_TURNS", 2)
    stage.start(said("1"), said("2"), said("3"))
    last = await stage.ask("1")
    for text in "23":
        last = await stage.ask(text, previous_response_id=last["id"])
    body = json.dumps({"model": "claude/tiny", "input": "x", "previous_response_id": last["id"]}).encode()
    assert (await stage.trial.ask("POST", "/v1/responses", body)).status == 413


async def test_nothing_readable_lies_on_the_disk(stage: Stage) -> None:
    stage.start(said("a secret word"))
    await stage.ask("another secret word")
    stage.responses.store.tend()
    written = b"".join(path.read_bytes() for path in stage.folder.rglob("*") if path.is_file())
    assert written
    assert b"secret word" not in written


async def test_an_integration_that_is_gone_is_told(stage: Stage) -> None:
    stage.start(kept_by_vendor("resp_v"))
    await stage.ask(model="acme/tiny")
    stage.start(services=[CLAUDE])
    heard = await stage.get("resp_v")
    assert (heard.status, "acme" in of(heard)["error"]["message"]) == (404, True)


@pytest.mark.parametrize(("stream", "chars"), [(False, 4000), (True, 1000)])
async def test_an_answer_that_is_too_long_to_be_kept_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, stream: bool, chars: int
) -> None:
    write_reply = importlib.import_module("trunkline.plugins.adapters.responses_codec.write_reply")
    for module in (write_reply, translate_call):
        monkeypatch.setattr(module, "KEPT_BYTES", 5000)
    play = told if stream else said
    stage.start(play("x" * (chars + 1000)), play("short"))
    longest, short = await stage.ask(stream=stream), await stage.ask(stream=stream)
    assert (longest["store"], short["store"]) == (False, True)
    found = [await stage.get(one["id"]) for one in (longest, short)]
    assert [one.status for one in found] == [404, 200]


@pytest.mark.row("O1")
async def test_who_reads_or_deletes_what_is_kept_here_stands_in_the_records(stage: Stage) -> None:
    trial = stage.start(said("Hello"), said("Bye"))
    first = (await stage.ask())["id"]
    before = len(trial.begins)
    heard = [
        await stage.get(first),
        await stage.get(f"{first}/input_items"),
        await stage.get(first, "DELETE"),
        await stage.get(first),
    ]
    assert [one.status for one in heard] == [200, 200, 200, 404]
    begins = {one.call_id: one for one in trial.begins[before:]}
    ends = [one for one in trial.ends if one.call_id in begins]
    assert [
        (begins[one.call_id].method, begins[one.call_id].path, one.status, one.state, one.notes, one.cost_usd)
        for one in ends
    ] == [
        ("GET", f"/v1/responses/{first}", 200, "ok", "stored=read", 0.0),
        ("GET", f"/v1/responses/{first}/input_items", 200, "ok", "stored=read", 0.0),
        ("DELETE", f"/v1/responses/{first}", 200, "ok", "stored=deleted", 0.0),
        ("GET", f"/v1/responses/{first}", 404, "error", "", ends[3].cost_usd),
    ]
    read = begins[ends[0].call_id]
    assert (read.key_id, read.team, read.model, read.target, read.config_version) == (
        "key-1",
        "shop",
        "claude/tiny",
        "",
        "v1",
    )
    assert [one.bytes_out for one in ends] == [len(one.body) for one in heard]
