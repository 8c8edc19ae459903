"""One HTTP call of a command to the running Trunkline, and a key for it.

Not for: finding it (`control/running.py`), starting or stopping it (`serve.py`).
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trunkline.control.running import NotRunning, address

if TYPE_CHECKING:
    from trunkline.control.state import State

LOCAL_KEY_S = 3600.0
CALL_TIMEOUT_S = 650.0


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
    host, port = address(facts)
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
