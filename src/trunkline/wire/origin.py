"""Where a connection leads and on what terms: the key of the connection pool. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, eq=False)
class Origin:
    """One vendor address with everything that decides whether two calls may share a connection.

    `private` allows loopback and private addresses. `proxy` is `http://[user:password@]host:port`.
    """

    scheme: str
    host: str
    port: int
    private: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    proxy: str | None = None

    def __post_init__(self) -> None:
        if self.scheme not in ("http", "https"):
            raise ValueError(f"origin scheme {self.scheme!r} is not known: use http or https")
        if not 0 < self.port < 65536:
            raise ValueError(f"origin port {self.port} is not a port: use 1 to 65535")
        # Looked up once per call, so the hash is computed once per origin.
        key = tuple(getattr(self, field.name) for field in fields(self))
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "_hash", hash(key))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Origin) and bool(self._key == other._key)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined, no-any-return]

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{host}:{self.port}"

    # The proxy's address may hold a password and the key's path is nobody's business: neither is shown.
    def __repr__(self) -> str:
        marks = [
            "private" if self.private else "",
            "mtls" if self.cert_file else "",
            "proxied" if self.proxy else "",
        ]
        return " ".join(["<Origin", str(self), *filter(None, marks)]) + ">"

    @property
    def address(self) -> str:
        """The host without the brackets of an IPv6 literal."""
        return self.host[1:-1] if self.host.startswith("[") and self.host.endswith("]") else self.host
