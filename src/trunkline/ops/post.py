"""One POST to an address of the operator's own: encrypted, or to this machine; nothing of the answer kept but its status and first words.

Not for: what is sent (`ops/formats`), nor for addresses that callers give (`tasks/webhook.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import urllib.request
from urllib.parse import SplitResult, urlsplit

from trunkline import __version__
from trunkline.wire.client import Client, Response
from trunkline.wire.errors import WireError
from trunkline.wire.origin import Origin

TIMEOUT_S = 15.0
SAID_MAX = 200
PORTS = {"http": 80, "https": 443}


class NotSent(Exception):
    """One target could not be told; says why, without any secret."""


def post(url: str, fields: dict[str, str], body: bytes, *, what: str) -> None:
    """Sends it. `what` names the address in the error, because the address itself may be a secret. Raises NotSent. Blocking."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in PORTS or not host or (parts.scheme == "http" and not _loopback(host)):
        raise NotSent(f"the address of {what} is not https")
    head = {
        "host": parts.netloc.rpartition("@")[2],
        "user-agent": f"Trunkline/{__version__}",
        "content-length": str(len(body)),
        "connection": "close",
        **fields,
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    text = f"POST {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in head.items()) + "\r\n"
    try:
        status, said = asyncio.run(_posted(_origin(parts), text.encode("ascii"), body))
    except TimeoutError:
        raise NotSent(f"it gave no answer within {TIMEOUT_S:g} s") from None
    except (WireError, UnicodeEncodeError) as problem:
        raise NotSent(f"{type(problem).__name__}: {problem}".rstrip(": ")) from None
    if 300 <= status < 400:
        raise NotSent(f"it answered {status}; redirects are not followed, so give the address itself")
    if not 200 <= status < 300:
        raise NotSent(f"it answered {status}" + (f": {said}" if said else ""))


def _origin(url: SplitResult) -> Origin:
    """An operator's own address, so it may be a private one; what no vendor may be (metadata, link-local) it may not be either."""
    host = url.hostname or ""
    proxies = {} if urllib.request.proxy_bypass(host) else urllib.request.getproxies()
    proxy = proxies.get("https") if url.scheme == "https" else None
    return Origin(url.scheme, host, url.port or PORTS[url.scheme], private=True, proxy=proxy)


async def _posted(origin: Origin, head: bytes, body: bytes) -> tuple[int, str]:
    client = Client()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            response = await client.open(origin, b"POST", head, body).ready
            status: int = response.status
            said = "" if 200 <= status < 300 else await _said(response)
            response.abort()
            return status, said
    finally:
        await client.close()


async def _said(response: Response) -> str:
    """The first words of a refusal, such as `invalid_blocks`; they help who must mend it."""
    with contextlib.suppress(WireError):
        text = (await response.read(65536)).decode("utf-8", "replace")
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:SAID_MAX]
    return ""


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
