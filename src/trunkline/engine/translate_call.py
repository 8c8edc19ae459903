"""One call at a translator: its request when an attempt is about to be made, its whole answer when that is here.

Small bodies at once, long ones in a thread. Not for: what translation is (`translate.py`), nor streams, which `relay.py` hands to it.
"""

from __future__ import annotations

import asyncio
from functools import partial

from trunkline.core.call import Route
from trunkline.core.codec import DecodeError
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.ports import Response
from trunkline.core.stored import KEPT_BYTES
from trunkline.engine.drive import in_task
from trunkline.engine.reply import malformed, readable
from trunkline.engine.translate import MODE, ON_LOOP, REQUEST_MAX, Translation, Translator


async def translate(exchange: Exchange) -> None:
    """Sets `exchange.translation` for the present route, from the caller's own body, unless an earlier attempt did.

    Raises CallError `invalid_request` or `request_too_large`.
    """
    if exchange.translation is not None:
        return
    if exchange.rest is not None:
        await in_task()
        await gather(exchange)
    translator: Translator = exchange.translator
    request = partial(
        translator.request,
        exchange.body,
        stream=exchange.stream,
        fields=exchange.request.fields,
        now=exchange.started_wall,
        turn=exchange.turn,
    )
    if len(exchange.body) > ON_LOOP:
        await in_task()
        made = await asyncio.to_thread(request)
    else:
        made = request()
    if made.asked.stored is not None:
        exchange.keep = max(exchange.keep, KEPT_BYTES)
    exchange.translation = made
    exchange.notes += (f"translation={made.report()}",)


def exact_enough(exchange: Exchange, route: Route) -> bool:
    """Whether a call may go to a vendor of another dialect: not where its caller wants nothing lost, and something would be."""
    fields = exchange.request.fields
    if fields.get(MODE) != b"strict":
        return True
    translator: Translator = route.translator
    try:
        translator.request(exchange.body, stream=exchange.stream, fields=fields, now=exchange.started_wall)
    except CallError:
        return False
    return exchange.rest is None


async def gather(exchange: Exchange) -> None:
    """Takes in a body that is still arriving: what is translated cannot be passed on piece by piece."""
    pieces: list[bytes] = []
    size = 0
    async for piece in exchange.rest:
        pieces.append(piece)
        size += len(piece)
        if size > REQUEST_MAX:
            text = f"a request that must be translated for its vendor may have at most {REQUEST_MAX >> 20} MB"
            raise CallError("request_too_large", text, scope="call", never_acted=True)
    exchange.body, exchange.rest = b"".join(pieces), None
    exchange.request.body = exchange.body  # all is here now; who keeps the call for later takes it from there


def translated(attempt: Attempt, response: Response) -> bytes:
    """A whole good answer in the caller's dialect. Raises CallError `malformed_response`."""
    translation: Translation = attempt.exchange.translation
    before = len(translation.changes)
    try:
        body = translation.reply(readable(attempt, response))
    except (DecodeError, ValueError) as problem:
        error = malformed(attempt, response.body)
        error.message = (
            f"{attempt.target.live.name} answered with what is no {translation.dialect} reply: {problem}"
        )
        raise error from None
    if len(translation.changes) > before:
        retold(attempt.exchange)
    array = attempt.exchange.array
    return body if array is None else array.feed(body) + array.end()


def retold(exchange: Exchange) -> None:
    """The record tells what was lost of the answer, too."""
    notes = [
        note
        for note in exchange.notes
        if not note.startswith(f"translation={exchange.translation.translator.name}")
    ]
    exchange.notes = (*notes, f"translation={exchange.translation.report()}")
