"""One signed webhook to an address that a caller gave, under the same rules of addresses as every vendor (wire/resolve.py).

HTTPS only, to addresses of the public internet only, no redirect followed, nothing of the answer kept but its status. Signed as
Standard Webhooks say: `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,...` over `id.timestamp.body`.
Not for: the registry's own targets (`ops/notify`).
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
import urllib.request
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from trunkline import __version__
from trunkline.plugins.policies.grants import webhook_secret
from trunkline.tasks.tell import NotTold
from trunkline.wire.client import Client
from trunkline.wire.errors import AddressDenied, WireError
from trunkline.wire.origin import Origin

TIMEOUT_S = 15.0
_PORTS = {"https": 443}

OriginOf = Callable[[SplitResult], Origin]


def signature(secret: str, message_id: str, at_s: int, body: bytes) -> str:
    """The value of `webhook-signature`. `secret` is `whsec_` and base64. Pure."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.digest(key, f"{message_id}.{at_s}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(signed).decode()


def public_origin(parts: SplitResult) -> Origin:
    """Where it is sent: never to this machine or a private network, whatever the name leads to."""
    host = parts.hostname or ""
    proxies = {} if urllib.request.proxy_bypass(host) else urllib.request.getproxies()
    return Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme], proxy=proxies.get(parts.scheme))


class Webhooks:
    """Sends them. Blocking, for the worker's threads."""

    def __init__(
        self,
        token_key: Callable[[], bytes],
        *,
        wall: Callable[[], float] = time.time,
        origin: OriginOf = public_origin,
    ) -> None:
        self._token_key = token_key
        self._wall = wall
        self._origin = origin

    def post(self, url: str, key_id: str, message_id: str, body: bytes) -> None:
        """Raises NotTold."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise NotTold("the address is not https", final=True)
        at_s = int(self._wall())
        signed = signature(webhook_secret(self._token_key(), key_id), message_id, at_s, body)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {parts.netloc}\r\nuser-agent: Trunkline/{__version__}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
            f"webhook-id: {message_id}\r\nwebhook-timestamp: {at_s}\r\nwebhook-signature: {signed}\r\n\r\n"
        )
        try:
            status = asyncio.run(self._send(self._origin(parts), head.encode("ascii"), body))
        except AddressDenied as problem:
            raise NotTold(str(problem), final=True) from None
        except (WireError, TimeoutError) as problem:
            raise NotTold(f"{type(problem).__name__}: {problem}") from None
        if status == 410:
            raise NotTold("the address wants no webhooks any more (410)", final=True)
        if not 200 <= status < 300:
            raise NotTold(f"the address answered {status}")

    async def _send(self, origin: Origin, head: bytes, body: bytes) -> int:
        client = Client()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await client.open(origin, b"POST", head, body).ready
                status: int = response.status
                response.abort()
                return status
        finally:
            await client.close()
