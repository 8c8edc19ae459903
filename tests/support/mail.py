"""A mail server in this process: takes mails over TLS as submission servers do, and shows what it was told.

Not for: mail as such; it knows the few commands that `smtplib` sends.
"""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

PASSWORD = "mail-test-not-a-real-password"


class MailServer:
    """`wrapped` speaks TLS from the first byte (smtps), else after STARTTLS. `users` are (user, password); none: anybody."""

    def __init__(
        self, tls: ssl.SSLContext | None, *, wrapped: bool = False, user: str = "", refuses: str = ""
    ) -> None:
        self._tls, self._wrapped, self._user, self._refuses = tls, wrapped, user, refuses
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.mails: list[tuple[list[str], str]] = []
        """Recipients, and the mail as it was sent."""
        self.plain: list[str] = []
        """Commands that came without TLS."""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                with suppress(OSError, ValueError):
                    self._talk(sock)

    def _talk(self, sock: Any) -> None:
        secured = self._wrapped
        if self._wrapped:
            assert self._tls is not None
            sock = self._tls.wrap_socket(sock, server_side=True)
        reader, to = sock.makefile("rb"), []
        sock.sendall(b"220 test\r\n")
        known = not self._user
        while line := reader.readline():
            text = line.decode().strip()
            verb = text.partition(" ")[0].upper()
            if not secured:
                self.plain.append(verb)
            if verb == "EHLO":
                extras = ["AUTH PLAIN"] if secured else (["STARTTLS"] if self._tls else [])
                sock.sendall("".join(f"250-{x}\r\n" for x in ["test", *extras]).encode() + b"250 ok\r\n")
            elif verb == "STARTTLS" and self._tls:
                sock.sendall(b"220 go\r\n")
                sock = self._tls.wrap_socket(sock, server_side=True)
                reader, secured = sock.makefile("rb"), True
            elif verb == "AUTH":
                given = base64.b64decode(text.split(" ")[2]).decode().split("\0")[1:]
                known = given == [self._user, PASSWORD]
                sock.sendall(b"235 ok\r\n" if known else b"535 no\r\n")
            elif verb == "RCPT" and self._refuses and self._refuses in text:
                sock.sendall(b"550 unknown here\r\n")
            elif verb == "RCPT":
                to.append(text.partition("<")[2].partition(">")[0])
                sock.sendall(b"250 ok\r\n" if known else b"530 who are you\r\n")
            elif verb == "DATA":
                sock.sendall(b"354 go\r\n")
                lines = iter(reader.readline, b".\r\n")
                self.mails.append((to, b"".join(lines).decode()))
                sock.sendall(b"250 ok\r\n")
                to = []
            elif verb == "QUIT":
                sock.sendall(b"221 bye\r\n")
                return
            else:
                sock.sendall(b"250 ok\r\n")


@contextmanager
def running_mail_server(tls: ssl.SSLContext | None, **options: Any) -> Iterator[MailServer]:
    """A server on a free port."""
    server = MailServer(tls, **options)
    try:
        yield server
    finally:
        server.close()
