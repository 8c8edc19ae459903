"""What the kit holds against a gateway after every story, and what it does not."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.site import SILENCE, Site

REGISTRY = 'version: 1\nintegrations:\n  site: {base_url: "{site}", auth: {kind: none}}\n'


@pytest.mark.parametrize("how", ["kill", "signal"])
def test_a_call_that_a_kill_has_cut_is_no_fault_of_the_gateway(
    start: Callable[..., Trunkline], site: Site, how: str
) -> None:
    """Whether one runs at that instant is chance in most stories, and likelier on a busy machine."""
    trunkline = start(REGISTRY)
    site.script.append(SILENCE)
    with trunkline.unanswered("GET", "/api/proxy/site/x"):
        eventually(lambda: site.seen, "the call to be at the vendor")
        if how == "kill":
            trunkline.kill()
        else:
            trunkline.signal(signal.SIGKILL)
            trunkline.wait()
            trunkline.spawn()
    assert trunkline.call("GET", "/api/proxy/site/y").status == 200
    assert [len(call.ends) for call in trunkline.calls().values()] == [0, 1]
