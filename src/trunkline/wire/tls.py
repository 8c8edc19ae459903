"""TLS toward callers: the context of our own listener. Not for: TLS toward vendors (`trust`)."""

from __future__ import annotations

import ssl


def server_context(cert_file: str, key_file: str) -> ssl.SSLContext:
    """A context for `Server(tls=...)`: TLS 1.2 or newer, HTTP/1.1 only. `cert_file` holds the chain, leaf
    first.

    Raises ValueError naming the files when they cannot be read or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        context.load_cert_chain(cert_file, key_file)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(
            f"The certificate {cert_file!r} and key {key_file!r} cannot be used ({error}); "
            "give a PEM chain, leaf first, and its unencrypted PEM key."
        ) from None
    return context
