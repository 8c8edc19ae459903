"""The running Trunkline as commands see it: is there one, where does it listen, and one HTTP call to it.

Not for: starting or stopping it (`serve.py`).
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trunkline.control.state import State

LOCAL_KEY_S = 3600.0
CALL_TIMEOUT_S = 650.0


class NotRunning(Exception):
    """No Trunkline answers here; says where it was looked for and the cure."""


def supervisor_pid(state: State) -> int:
    """The pid of the supervisor of this state folder. Raises NotRunning."""
    from trunkline.control.child import is_alive
    from trunkline.control.claim import is_claimed, read_pid

    pid = read_pid(state.serve_pid)
    if not is_alive(pid) or not is_claimed(state):
        raise NotRunning(
            f"Trunkline is not running on {state.path}. Start it with `trunkline serve`, or give --state-dir."
        )
    return pid


def running_facts(state: State) -> dict[str, Any]:
    """Where the running instance listens (`serve.json`) and what its gateway says of itself (`gateway.json`). Raises NotRunning."""
    from trunkline.control.child import is_alive
    from trunkline.control.reload import gateway_facts
    from trunkline.core import codec

    supervisor_pid(state)
    facts = gateway_facts(state)
    if not is_alive(int(facts.get("pid", 0))):
        raise NotRunning(f"The gateway of {state.path} is not up just now; `trunkline doctor` says more.")
    with contextlib.suppress(OSError, codec.DecodeError):
        facts = {**codec.from_json(state.serve.read_bytes()), **facts}
    return facts


@contextlib.contextmanager
def local_key(state: State, scopes: list[str]) -> Iterator[str]:
    """A key made for one command and revoked after it. The gateway looks it up anew when it does not know it yet."""
    from trunkline.control import keys

    made = keys.create(state, keys.Wish(name="cli", scopes=scopes, expires_at=time.time() + LOCAL_KEY_S))
    try:
        yield made.key
    finally:
        keys.revoke(state, made.id)


@contextlib.contextmanager
def request(
    facts: dict[str, Any], method: str, target: str, headers: list[tuple[str, str]], body: bytes | None = None
) -> Iterator[http.client.HTTPResponse]:
    """One call to the data plane. Raises NotRunning if it does not answer."""
    host = str(facts.get("host") or "127.0.0.1")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (a comparison)
    port = int(facts["port"])
    connection: http.client.HTTPConnection
    if facts.get("tls"):
        # Our own process on this machine, by address: its certificate names a host, not this address.
        context = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection(host, port, timeout=CALL_TIMEOUT_S, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=CALL_TIMEOUT_S)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        yield connection.getresponse()
    except ConnectionRefusedError:
        raise NotRunning(f"Nothing listens on {host}:{port}. Start it with `trunkline serve`.") from None
    finally:
        connection.close()
