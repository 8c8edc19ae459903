"""Which addresses an integration may have, decided from the text of the URL alone (rulings 20 and 21).

Not for: what a name resolves to; the wire checks that on each connection.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

_METADATA_NAMES = ("metadata.google.internal", "metadata", "instance-data", "instance-data.ec2.internal")
_METADATA = tuple(
    ipaddress.ip_address(a) for a in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192")
)
DEFAULT_PORTS = {"http": 80, "https": 443}
OWN_LISTENERS = ("127.0.0.1:4000", "127.0.0.1:4001")


class Address(NamedTuple):
    """A judged base address. `fault` is empty when it may be used; it never holds the user part or query of the URL."""

    url: str
    scheme: str = ""
    host: str = ""
    port: int = 0
    loopback: bool = False
    private: bool = False
    """A literal private (or loopback) address."""
    fault: str = ""
    cure: str = ""


def judge(text: str, *, allow_http: bool = False, listeners: tuple[str, ...] = OWN_LISTENERS) -> Address:
    """Whether `text` may be the base address of an integration."""
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return Address(
            "", fault="The address is not well formed.", cure="Write e.g. `https://api.example.com`."
        )
    if parts.scheme not in DEFAULT_PORTS or not host or any(c.isspace() or ord(c) < 33 for c in text):
        return Address("", fault="This is no http(s) address.", cure="Write e.g. `https://api.example.com`.")
    if parts.username is not None or parts.password is not None:
        return Address(
            "", fault="The address holds a user or password (not shown).", cure="Use `auth` with a `secret`."
        )
    if parts.query or parts.fragment or "?" in text or "#" in text:
        return Address(
            "",
            fault="The address holds a query or fragment.",
            cure="End it with the path; use `headers` or `auth`.",
        )
    if any(part in (".", "..") for part in parts.path.split("/")) or "\\" in text or "//" in parts.path:
        return Address(
            "", fault="The path of the address has empty or dotted segments.", cure="Write the path plainly."
        )
    number = port if port is not None else DEFAULT_PORTS[parts.scheme]
    kind = _kind(host)
    url = f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
    found = Address(url, parts.scheme, host, number, kind == "loopback", kind in ("loopback", "private"))
    if kind == "never":
        said = (
            f"`{host}` is a link-local, metadata, multicast or unspecified address; these are never called."
        )
        return found._replace(fault=said, cure="Use the address of the API itself.")
    if _is_own(found, listeners):
        return found._replace(
            fault=f"`{url}` is Trunkline itself.", cure="Give the address of the API itself."
        )
    if parts.scheme == "http" and not found.loopback and not allow_http:
        said = f"`{url}` is plain HTTP to another machine: anyone on the way reads the credential."
        return found._replace(
            fault=said, cure="Use https, or set `allow_http: true` where the network is yours."
        )
    return found


def _kind(host: str) -> str:
    """`loopback`, `private`, `never` or `public`; a name other than localhost counts as public."""
    if host == "localhost" or host.endswith(".localhost"):
        return "loopback"
    if host in _METADATA_NAMES:
        return "never"
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "never" if _odd_number(host) else "public"
    mapped = getattr(ip, "ipv4_mapped", None)
    ip = mapped or ip
    if ip in _METADATA or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return "never"
    return "loopback" if ip.is_loopback else "private" if ip.is_private or not ip.is_global else "public"


def _odd_number(host: str) -> bool:
    """Forms like `2130706433` or `0x7f.1`, which some resolvers read as addresses."""
    last = host.rsplit(".", 1)[-1]
    return last.isdigit() or last.startswith("0x")


def _is_own(found: Address, listeners: tuple[str, ...]) -> bool:
    for listener in listeners:
        host, _, port = listener.rpartition(":")
        kind = _kind(host.strip("[]"))
        same = host.strip("[]") == found.host or (found.loopback and kind in ("loopback", "never"))
        if same and str(found.port) == port:
            return True
    return False
