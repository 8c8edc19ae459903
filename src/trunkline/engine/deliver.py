"""Brings a vendor's answer to the caller: whole, or streamed as it comes; also an answer that no vendor gave just now.

Not for: reading what an answer is (`reply.py`), nor failures before an answer began (`gateway.py` tells those).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trunkline.core.codec import DecodeError
from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Attempt, Exchange
from trunkline.core.ports import Adapter, Reading, Response
from trunkline.engine import reply
from trunkline.engine.answer_head import AnswerFields, kept, own_fields
from trunkline.engine.costs import account, settle_waste
from trunkline.engine.diary import Diary, tried
from trunkline.engine.drive import in_task
from trunkline.engine.frames import EVENTS, LINES, frames_of
from trunkline.engine.json_items import Items
from trunkline.engine.relay import Relay
from trunkline.engine.repair import breaks_format
from trunkline.engine.translate import ON_LOOP
from trunkline.engine.translate_call import retold, translated

_WHOLE_BELOW = 256 << 10


class Deliverer:
    """Passes answers on and records that they came."""

    def __init__(
        self,
        diary: Diary,
        clock: Callable[[], float],
        wall: Callable[[], float],
        noticed: Callable[[Attempt, Response], None] = lambda attempt, response: None,
    ) -> None:
        self._diary = diary
        self._clock = clock
        self._wall = wall
        self._answers = AnswerFields(noticed)

    async def answer(self, attempt: Attempt, response: Response) -> None:
        """Every answer that is not short, whole and good. Raises CallError for one that is a failure."""
        exchange, began = attempt.exchange, self._clock()
        if response.status >= 300 or attempt.target.live.watch_ok:
            error = await reply.failure(attempt, response, self._wall())
            if error is not None:
                raise error
        if await self._streams(attempt, response):
            await self._relay(attempt, response)
            return
        reading, told = None, None
        if response.status < 300:
            body = reply.readable(attempt, response)
            reading = await reply.read_reply(attempt, body)
            if reading is not None:
                if exchange.translation is not None:
                    body = told = await self._translated(attempt, response, reading)
                _keeps_format(attempt, body, reading)
        exchange.vendor_wait += self._clock() - began
        self.whole(exchange, attempt, response, reading, told)

    async def _translated(self, attempt: Attempt, response: Response, reading: Reading) -> bytes:
        """A whole answer in the caller's dialect, once it is known to be none in disguise; a long one is made in a thread."""
        if not reading.plain:
            error = reply.disguised(attempt, response, self._wall())
            if error is not None:
                raise error
            reading.plain = True
        if len(response.body) <= ON_LOOP:
            return translated(attempt, response)
        await in_task()
        return await asyncio.to_thread(translated, attempt, response)

    async def _streams(self, attempt: Attempt, response: Response) -> bool:
        """Whether an answer is passed on as it comes; else it is read to its end now.

        A model's stream goes event by event even when all of it came at once.
        """
        exchange = attempt.exchange
        if _in_events(exchange, response):
            return not response.complete or (exchange.stream and exchange.adapter is not None)
        if response.complete:
            return False
        if exchange.adapter is not None and not reply.in_pieces(attempt, response):
            response.completed(await reply.read_whole(attempt, response))
            return False
        length = response.fields.get(b"content-length")
        if length and int(length) <= _WHOLE_BELOW:
            response.completed(await response.read(_WHOLE_BELOW))
            return False
        return True

    def whole(
        self,
        exchange: Exchange,
        attempt: Attempt,
        response: Response,
        reading: Reading | None = None,
        told: bytes | None = None,
    ) -> None:
        """Sends an answer that is all here, unless it is a failure in disguise. `told` is what it is in the caller's dialect, if that
        is known already.
        """
        body = response.body
        if attempt.sample is not None:
            attempt.sample.answered(body)
        if reading is None and exchange.adapter is not None and response.status < 300:
            reading = Reading()
            try:
                exchange.adapter.read(reply.readable(attempt, response), reading)
            except DecodeError:
                raise reply.malformed(attempt, body) from None
        if reading is None or not reading.plain:
            error = reply.disguised(attempt, response, self._wall())
            if error is not None:
                raise error
        if exchange.translation is not None and reading is not None:
            told = translated(attempt, response) if told is None else told
        if exchange.race is not None and not exchange.race.claim(attempt):
            raise CallError("cancelled", "another attempt answered first")
        if reading is not None:
            account(exchange, reading, len(body))
        if told is not None:
            response.completed(told)
            body = told
        now = exchange.first_byte_at = self._clock()
        if response.status == 201:
            reply.lead_back(attempt, response)
        fields = self._fields(attempt, response, now)
        exchange.status = response.status
        exchange.bytes_out = len(body)
        self._succeeded(exchange, attempt, now)
        length = response.fields.get(b"content-length") if exchange.method == b"HEAD" else None
        if length is not None:
            exchange.reply.start(response.status, fields, int(length))
            exchange.reply.end()
        else:
            exchange.reply.send(response.status, fields, body)

    def _fields(self, attempt: Attempt, response: Response, now: float) -> bytes:
        """All header lines of an answer: the vendor's that pass, then ours."""
        parts = self._answers.lines(attempt, response)
        exchange = attempt.exchange
        if exchange.tariffs is not None and response.complete:
            exchange.tariffs.charge(exchange, response)
        if exchange.keep:
            exchange.kept = kept(attempt, response, b"".join(parts))
        parts.append(own_fields(exchange, attempt.n, now))
        fields = b"".join(parts)
        member = attempt.target.member
        return member.blotted(fields) if member.repeated_in(fields) else fields

    def _succeeded(self, exchange: Exchange, attempt: Attempt, now: float) -> None:
        exchange.state = "cancelled" if exchange.gone else "ok"
        if exchange.tariffs is not None:
            exchange.tariffs.charge(exchange, attempt.response)
        exchange.tried.append(tried(attempt, now))
        if len(exchange.tried) > 1:
            exchange.tried.sort(key=lambda one: one.n)
            settle_waste(exchange)
        self._diary.end(exchange)

    async def _relay(self, attempt: Attempt, response: Response) -> None:
        exchange = attempt.exchange
        streamed = _in_events(exchange, response)
        if exchange.translation is not None and (not streamed or b"content-encoding" in response.fields):
            raise reply.malformed(attempt, b"")
        # One that comes compressed, though none was asked for, cannot be read on the way; it passes as it is.
        adapter = exchange.adapter if streamed and b"content-encoding" not in response.fields else None
        if adapter is None:
            exchange.array = None
        length = response.fields.get(b"content-length")

        def start() -> bool:
            now = self._clock()
            if exchange.race is None:
                exchange.vendor_wait += now - attempt.first_byte_at
            elif not exchange.race.claim(attempt):
                return False
            exchange.reply.flow = relay.flow
            exchange.first_byte_at = now
            exchange.status = response.status
            fields = self._fields(attempt, response, now)
            relay.head, exchange.kept = exchange.kept, None
            exchange.reply.start(response.status, fields, int(length) if length and adapter is None else None)
            return True

        relay = Relay(attempt, response, adapter, start, self._wall)
        sink, read = _sink(exchange, response, relay, adapter)
        try:
            await response.relay(sink if attempt.sample is None else attempt.sample.tee(sink))
            relay.finish()
            if exchange.translation is not None:
                retold(exchange)
        finally:
            attempt.opening = None
            if relay.started:
                exchange.reply.flow = None
                if read():
                    account(exchange, relay.reading, exchange.bytes_out)
            else:
                attempt.reading = relay.reading
        if relay.error is not None:
            raise relay.error
        if relay.unfinished:
            source = attempt.target.live.name
            raise CallError(
                "network",
                f"{source} ended the stream without its proper end",
                source=source,
                vendor_status=response.status,
            )
        if not relay.started and not start():
            raise CallError("cancelled", "another attempt answered first")
        exchange.kept = relay.whole()
        self._succeeded(exchange, attempt, self._clock())
        exchange.reply.end()

    def give(self, exchange: Exchange, answer: Answer) -> None:
        """Answers a call without a vendor: from a policy, or instead of a failure."""
        exchange.status, exchange.state = answer.status, "ok" if answer.status < 400 else "error"
        exchange.bytes_out = len(answer.body)
        now = exchange.first_byte_at = self._clock()
        self._diary.end(exchange)
        fields = answer.fields + own_fields(exchange, len(exchange.tried), now)
        if exchange.stream and (EVENTS.media in answer.fields or LINES.media in answer.fields):
            exchange.reply.start(answer.status, fields, None)
            exchange.reply.write(answer.body)
            exchange.reply.end()
        else:
            exchange.reply.send(answer.status, fields, answer.body)


def _sink(
    exchange: Exchange, response: Response, relay: Relay, adapter: Adapter | None
) -> tuple[Callable[[bytes], None], Callable[[], bool]]:
    """Where the pieces of a streamed answer go, and what says afterwards whether its usage was read."""
    if adapter is not None:
        return relay.events, lambda: True
    plain = b"content-encoding" not in response.fields
    if exchange.adapter is None or not exchange.stream or not plain or not _is_json(response):
        return relay.raw, lambda: False
    items = Items(exchange.adapter, relay.reading)

    def both(piece: bytes) -> None:
        items.feed(piece)
        relay.raw(piece)

    return both, lambda: items.seen


def _in_events(exchange: Exchange, response: Response) -> bool:
    """Whether an answer comes as the events that its dialect streams."""
    frames = frames_of(exchange.adapter.name if exchange.adapter is not None else "")
    return response.fields.get(b"content-type", b"").startswith(frames.media)


def _is_json(response: Response) -> bool:
    return response.fields.get(b"content-type", b"").startswith(b"application/json")


def _keeps_format(attempt: Attempt, body: bytes, reading: Reading) -> None:
    """Raises CallError `malformed_response`, once per call, for a text that is not the JSON that its request demands."""
    exchange, live = attempt.exchange, attempt.target.live
    repair = live.spec.repair
    if repair is None or not repair.malformed_again or exchange.rest is not None:
        return
    if "repair=malformed_again" in exchange.notes or not breaks_format(exchange.body, body):
        return
    attempt.reading = reading
    text = f"{live.name} answered with a text that is not the JSON that the request asks for"
    raise CallError("malformed_response", text, source=live.name, vendor_status=200, again=False)
