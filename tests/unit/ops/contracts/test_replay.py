"""Cassettes served as if they were the vendor."""

import asyncio
from typing import Any

import pytest

from trunkline.ops.contracts.cassette import Cassette, Piece, Request, Response
from trunkline.ops.contracts.replay import Player, Replay, play


def cassette(
    name: str = "one", *, body: str = "", query: str = "", path: str = "/v1/charges", **answer: Any
) -> Cassette:
    given: dict[str, Any] = {
        "status": 200, "at_ms": 50.0, "headers": {"content-type": "application/json", "content-length": "99"},
        "pieces": [Piece(at_ms=60.0, text='{"ok":true}')],
    }  # fmt: skip
    return Cassette(
        name=name, integration="stripe", api_version="", recorded="2026-11-21",
        request=Request(method="POST", path=path, query=query, body=body), response=Response(**{**given, **answer}),
    )  # fmt: skip


STREAM = cassette(
    "stream",
    headers={"content-type": "text/event-stream"},
    pieces=[Piece(at_ms=at, text=f"data: {at:g}\n\n") for at in (100.0, 150.0, 400.0)],
)


def chosen(player: Player, target: str, body: bytes = b"", method: str = "POST") -> str:
    found = player.choose(method, target, body)
    return found.name if found is not None else ""


@pytest.mark.row("C5")
def test_the_cassette_of_method_path_and_query_answers() -> None:
    player = Player(
        [cassette("a"), cassette("b", query="expand=card&limit=5"), cassette("c", path="/v1/refunds")]
    )
    assert chosen(player, "/v1/charges") == "a"
    assert chosen(player, "/v1/charges?limit=5&expand=card") == "b"
    assert chosen(player, "/v1/charges?limit=6&expand=card") == "b", "other values of the same parameters"
    assert chosen(player, "/v1/refunds") == "c"
    assert player.played == ["a", "b", "b", "c"]


def test_of_several_the_one_whose_body_is_most_alike_else_each_in_turn() -> None:
    player = Player(
        [
            cassette("five", body='{"amount":5}'),
            cassette("six", body='{"amount":6}'),
            cassette("six again", body='{"amount":6}'),
        ]
    )
    assert chosen(player, "/v1/charges", b'{"amount":5}') == "five"
    assert [chosen(player, "/v1/charges", b'{"amount":6}') for _ in range(3)] == ["six", "six again", "six"]


def test_what_no_cassette_answers_is_noted_with_the_nearest() -> None:
    player = Player([cassette()], prefix="/stripe")
    assert chosen(player, "/stripe/v1/charges") == "one"
    assert chosen(player, "/v1/charge") == ""
    assert chosen(player, "/v1/charges", method="GET") == ""
    assert chosen(player, "/v1/charges?limit=5") == ""
    assert player.missed[0]._asdict() == {
        "method": "POST",
        "target": "/v1/charge",
        "nearest": "POST /v1/charges",
    }


class Told:
    """Where an answer goes, and when."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[tuple[float, str, bytes]] = []
        self.closed = False

    async def sleep(self, seconds: float) -> None:
        self.now += seconds * 1e3

    def _note(self, what: str, content: bytes = b"") -> None:
        self.told.append((round(self.now, 3), what, content))

    def send(self, status: int, fields: bytes, body: bytes) -> None:
        self._note(f"send {status}", fields + b"\n" + body)

    def start(self, status: int, fields: bytes, length: int | None) -> None:
        self._note(f"start {status}", fields)

    def write(self, piece: bytes) -> None:
        self._note("write", piece)

    def end(self) -> None:
        self._note("end")


@pytest.mark.row("C5")
@pytest.mark.parametrize(
    ("speed", "times"),
    [(1.0, [50.0, 100.0, 150.0, 400.0, 400.0]), (10.0, [5.0, 10.0, 15.0, 40.0, 40.0]), (0.0, [0.0] * 5)],
)
def test_a_stream_is_given_with_the_timing_that_was_recorded(speed: float, times: list[float]) -> None:
    told = Told()
    asyncio.run(play(STREAM, told, speed, told.sleep))
    assert [at for at, _, _ in told.told] == times
    assert [what for _, what, _ in told.told] == ["start 200", "write", "write", "write", "end"]
    assert told.told[1][2] == b"data: 100\n\n"


def test_a_whole_answer_is_sent_when_its_last_byte_came() -> None:
    told = Told()
    asyncio.run(play(cassette(), told, 1.0, told.sleep))
    ((at, what, content),) = told.told
    assert (at, what) == (60.0, "send 200")
    assert b"content-length" not in content
    assert b"x-trunkline-cassette: one" in content
    assert content.endswith(b'{"ok":true}')


def test_a_caller_that_leaves_ends_the_play() -> None:
    told = Told()
    told.closed = True
    asyncio.run(play(STREAM, told, 0, told.sleep))
    assert [what for _, what, _ in told.told] == ["start 200"]


async def _asked(replay: Replay, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", replay.port)
    writer.write(text)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.row("C5")
def test_it_is_a_server_on_a_port() -> None:
    async def story() -> tuple[bytes, bytes]:
        replay = Replay(Player([cassette(body='{"amount":5}')]), speed=0)
        await replay.start("127.0.0.1", 0)
        try:
            head = (
                b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 12\r\n\r\n" + b'{"amount":5}'
            )
            return await _asked(replay, b"POST /v1/charges" + head), await _asked(replay, b"POST /v2" + head)
        finally:
            await replay.stop()

    good, missed = asyncio.run(story())
    assert good.startswith(b"HTTP/1.1 200")
    assert good.endswith(b'{"ok":true}')
    assert missed.startswith(b"HTTP/1.1 404")
    assert b"no cassette answers POST /v2" in missed
