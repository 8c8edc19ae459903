"""From a base address in the registry to the wire's origin: which connections may be shared, and what may be reached."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from trunkline.core.service import Service
from trunkline.engine.world import Address
from trunkline.wire.origin import Origin

_PORTS = {"http": 80, "https": 443}


def address(service: Service, base_url: str, environ: Mapping[str, str]) -> Address:
    """Raises ValueError with the cure for an address that may not be used (rulings 20, 21; P4)."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host:
        raise ValueError(f"base_url {base_url!r} is no http(s) address; set base_url in the registry")
    if parts.username or parts.password:
        raise ValueError("base_url holds a user name or password; use `auth: {kind: basic, secret: ...}`")
    if parts.scheme == "http" and not (service.allow_http or service.simulated or loopback(host)):
        raise ValueError(f"base_url {base_url!r} is plain HTTP; use https, or set `allow_http: true`")
    port = parts.port or _PORTS[parts.scheme]
    private = service.private or service.simulated or literal(host)
    origin = Origin(
        parts.scheme,
        host,
        port,
        private=private,
        ca_file=service.ca_file or None,
        cert_file=service.cert_file or None,
        key_file=service.key_file or None,
        proxy=service.proxy or outgoing_proxy(parts.scheme, host, environ),
    )
    shown = f"[{host}]" if ":" in host else host
    value = shown if port == _PORTS[parts.scheme] else f"{shown}:{port}"
    return Address(origin, value.encode(), parts.path.rstrip("/").encode())


def loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def literal(host: str) -> bool:
    """Whether a host is a literal address or `localhost`: then the registry itself says that it is meant (ruling 21)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def outgoing_proxy(scheme: str, host: str, environ: Mapping[str, str]) -> str | None:
    """The proxy that HTTPS_PROXY names for encrypted calls, unless NO_PROXY exempts the host."""
    if scheme != "https" or loopback(host):
        return None
    proxy = environ.get("HTTPS_PROXY") or environ.get("https_proxy")
    exempt = (environ.get("NO_PROXY") or environ.get("no_proxy") or "").split(",")
    for rule in (r.strip().lower() for r in exempt):
        if rule and (rule == "*" or host == rule.lstrip(".") or host.endswith("." + rule.lstrip("."))):
            return None
    return proxy or None
