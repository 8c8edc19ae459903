"""A gateway that has stopped answering, seen from the Python interface."""

from __future__ import annotations

import pytest

from tests.support.site import SILENCE, running_site
from trunkline import AsyncTrunkline, IntegrationError
from trunkline.client import remote

pytestmark = pytest.mark.row("A5")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n"
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"half"}}]}\n\n'


@pytest.mark.parametrize("answer", [SILENCE, (HEAD, EVENT, SILENCE)], ids=["before its answer", "within it"])
async def test_a_gateway_that_falls_silent_is_given_up_after_the_calls_time(
    monkeypatch: pytest.MonkeyPatch, answer: bytes | tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(remote, "GRACE_S", 0.05)
    with running_site() as frozen:
        frozen.script.append(answer)
        async with AsyncTrunkline(frozen.address, key="tl_test_not_a_real_key") as trunkline:
            stream = trunkline.stream("hi", model="m", timeout_s=0.05)
            with pytest.raises(IntegrationError, match="silent for") as caught:
                _ = [chunk async for chunk in stream]
    assert (caught.value.code, caught.value.retryable) == ("unreachable", False)
