"""TLS toward vendors: whom we believe and who we say we are.

A context (roots, client certificate, session tickets) takes milliseconds to build, so there is one per
(CA file, certificate, key) and it is rebuilt only when one of those files changes. Server-side TLS is not here.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from trunkline.wire.errors import TlsError
from trunkline.wire.origin import Origin

_Stamp = tuple[tuple[int, int, int], ...]


class _Context(ssl.SSLContext):
    """Offers the last session of the same host, so that a new connection needs no full handshake.

    asyncio and uvloop both create their TLS objects through `wrap_bio`, without a session; this is the one place
    where it can be added.
    """

    sessions: dict[str, ssl.SSLSession]

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        host = options.get("server_hostname")
        if isinstance(host, str):
            options["session"] = self.sessions.get(host)
        return super().wrap_bio(*args, **options)


class Trust:
    """Client contexts by (CA file, certificate file, key file)."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[str | None, ...], tuple[_Stamp, _Context]] = {}

    def at_hand(self, origin: Origin) -> ssl.SSLContext | None:
        """The context if it can be had without touching a file."""
        files = (origin.ca_file, origin.cert_file, origin.key_file)
        cached = self._contexts.get(files)
        return cached[1] if cached is not None and not any(files) else None

    def context(self, origin: Origin) -> ssl.SSLContext:
        """The context for this origin; TlsError names the file that cannot be used. May read files."""
        files = (origin.ca_file, origin.cert_file, origin.key_file)
        stamp = _stamp(files)
        cached = self._contexts.get(files)
        if cached is None or cached[0] != stamp:
            cached = self._contexts[files] = (stamp, _build(*files))
        return cached[1]

    @staticmethod
    def remember(tls: ssl.SSLObject) -> None:
        """Keep the session of a connection that worked, for the next one to the same host."""
        session, context = tls.session, tls.context
        if (
            isinstance(context, _Context)
            and session is not None
            and session.has_ticket
            and tls.server_hostname
        ):
            context.sessions[tls.server_hostname] = session


def said_goodbye(tls: ssl.SSLObject) -> bool:
    """Whether the peer ended the session itself; if not, somebody in between may have cut it (asyncio does not say)."""
    try:
        return tls.read(1) == b""
    except ssl.SSLError:
        return False


def _stamp(files: tuple[str | None, ...]) -> _Stamp:
    found = []
    for name in filter(None, files):
        try:
            state = Path(name).stat()
        except OSError as error:
            raise TlsError(f"cannot read TLS file {name}: {error.strerror}") from None
        found.append((state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(found)


def _build(ca_file: str | None, cert_file: str | None, key_file: str | None) -> _Context:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)  # verifies the chain and the name
    context.sessions = {}
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        if ca_file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cafile=ca_file)
    except (ssl.SSLError, OSError) as error:
        raise TlsError(f"cannot use CA file {ca_file}: {_reason(error)}") from None
    if cert_file is not None:
        try:
            # An empty password turns the terminal prompt for an encrypted key into an error.
            context.load_cert_chain(cert_file, key_file, password="")
        except (ssl.SSLError, OSError) as error:
            raise TlsError(f"cannot use client certificate {cert_file}: {_reason(error)}") from None
    return context


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or "not a valid file"
