"""Names to addresses: off the loop, cached, and only addresses that may be reached.

A name is resolved, the addresses are judged, and the connection goes to one of exactly those addresses, so a name
that changes its answer in between (DNS rebinding) gains nothing. A lookup runs in a daemon thread of its own: the
system resolver may hang for half a minute, and neither other lookups nor the end of the process may wait for it.
This module opens no connection.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from trunkline.wire.errors import AddressDenied, DnsError

Lookup = Callable[[str], list[str]]
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(text: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in text.split())


# Never, whatever the registry says. Metadata services hand out credentials of the machine; some of them sit at
# addresses that look private or even public (Azure 168.63.129.16, Alibaba 100.100.100.200, Oracle 192.0.0.192,
# AWS fd00:ec2::254, Google fd20:ce::254).
_NEVER = {
    "unspecified": _networks("0.0.0.0/8 ::/128"),
    "link-local": _networks("169.254.0.0/16 fe80::/10"),
    "metadata": _networks("168.63.129.16/32 100.100.100.200/32 192.0.0.192/32 fd00:ec2::/32 fd20:ce::/32"),
    "multicast": _networks("224.0.0.0/4 ff00::/8"),
    "reserved": _networks("240.0.0.0/4"),
}
# Only where the registry marks the integration `network: private`. The IANA special-purpose registries' addresses
# that are not globally reachable (RFC 6890 and its updates).
_PRIVATE = {
    "loopback": _networks("127.0.0.0/8 ::1/128"),
    "private": _networks("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7 fec0::/10"),
    "special-purpose": _networks(
        "192.0.0.0/24 192.0.2.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 100::/64 2001:db8::/32 3fff::/20 5f00::/16"
    ),
}
_NAT64 = _networks("64:ff9b::/96 64:ff9b:1::/48")
_COMPATIBLE = ipaddress.ip_network("::/96")


def denial(address: str, *, private: bool) -> str | None:
    """Why this address may not be reached, or None. An IPv4 address inside an IPv6 one is judged as well."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "malformed"
    for candidate in (parsed, *_embedded(parsed)):
        for reason, networks in _NEVER.items():
            if any(candidate in network for network in networks):
                return reason
        for reason, networks in {} if private else _PRIVATE.items():
            if any(candidate in network for network in networks):
                return reason
    return None


def _embedded(address: IPAddress) -> list[IPAddress]:
    """IPv4 addresses that a tunnel, translator or socket would make of this IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[IPAddress] = [
        inner for inner in (address.ipv4_mapped, address.sixtofour) if inner is not None
    ]
    if address.teredo is not None:
        found += address.teredo
    in_last_bits = any(address in network for network in _NAT64)
    if in_last_bits or (address in _COMPATIBLE and int(address) > 1):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def literal(host: str) -> str | None:
    """The address that this host is, if it is one written in its usual form."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def system_lookup(host: str) -> list[str]:
    """Ask the system's resolver; blocks."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _Entry(NamedTuple):
    addresses: list[str]
    failure: str  # why the last lookup failed, or ""
    until: float  # ask again after this time
    usable_until: float  # an answer this old still beats none


class Resolver:
    """A cache before `lookup`. One question per name at a time, whoever asks; an old answer when there is no new one."""

    def __init__(
        self,
        lookup: Lookup = system_lookup,
        *,
        ttl_s: float = 30.0,
        failure_ttl_s: float = 1.0,
        stale_s: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookup = lookup
        self._ttl_s, self._failure_ttl_s, self._stale_s = ttl_s, failure_ttl_s, stale_s
        self._clock = clock
        self._cache: dict[str, _Entry] = {}
        self._asking: dict[str, asyncio.Future[None]] = {}

    async def resolve(self, host: str, *, private: bool = False) -> list[str]:
        """Addresses that may be connected to, best first. DnsError if there are none, AddressDenied if none may be."""
        address = literal(host)
        found = [address] if address is not None else await self._addresses(host)
        denials = {each: denial(each, private=private) for each in found}
        allowed = [each for each, reason in denials.items() if reason is None]
        if not allowed:
            raise AddressDenied(
                _denied_text(
                    host,
                    {each: reason or "" for each, reason in denials.items()},
                    private,
                )
            )
        return allowed

    async def _addresses(self, host: str) -> list[str]:
        if not _is_name(host):
            raise DnsError(
                f"{host!r} is not a host name: use letters, digits, dots and hyphens (other alphabets as xn--)"
            )
        entry = self._cache.get(host)
        if entry is None or entry.until <= self._clock():
            await self._ask(host)
            entry = self._cache[host]
        if not entry.addresses:
            raise DnsError(f"cannot resolve {host}: {entry.failure or 'it has no address'}")
        return entry.addresses

    async def _ask(self, host: str) -> None:
        """Wait for the one lookup of this name that is under way, starting it if there is none."""
        asking = self._asking.get(host)
        if asking is None:
            loop = asyncio.get_running_loop()
            asking = self._asking[host] = loop.create_future()
            threading.Thread(target=self._look_up, args=(host, loop), name=f"dns {host}", daemon=True).start()
        await asyncio.shield(asking)

    def _look_up(self, host: str, loop: asyncio.AbstractEventLoop) -> None:
        addresses: list[str] = []
        failure = ""
        try:
            addresses = self._lookup(host)
        except (OSError, UnicodeError) as error:
            failure = getattr(error, "strerror", None) or str(error)
        try:
            loop.call_soon_threadsafe(self._answered, host, addresses, failure)
        except RuntimeError:  # the loop ended while the system was still resolving: nobody is waiting
            return

    def _answered(self, host: str, addresses: list[str], failure: str) -> None:
        now = self._clock()
        old = self._cache.get(host)
        if addresses:
            entry = _Entry(addresses, "", now + self._ttl_s, now + self._ttl_s + self._stale_s)
        elif old is not None and old.addresses and now < old.usable_until:
            entry = old._replace(failure=failure, until=now + self._failure_ttl_s)
        else:
            entry = _Entry([], failure, now + self._failure_ttl_s, now)
        self._cache[host] = entry
        asking = self._asking.pop(host)
        if not asking.done():
            asking.set_result(None)


def _is_name(host: str) -> bool:
    plain = host.replace("-", "").replace("_", "").replace(".", "")
    return (
        0 < len(host) <= 253 and plain.isascii() and plain.isalnum() and ".." not in host and host[0] != "."
    )


def _denied_text(host: str, denials: dict[str, str], private: bool) -> str:
    listed = ", ".join(f"{address} ({reason})" for address, reason in denials.items())
    curable = not private and all(reason in _PRIVATE for reason in denials.values())
    cure = ": mark the integration `network: private` if this is meant" if curable else ""
    return f"{host} leads to {listed}, which may not be reached{cure}"
