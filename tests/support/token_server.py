"""A token endpoint and an API that wants its tokens: ours, made for tests, and says so in every answer (`x-made-for: tests`).

Gives tokens as RFC 6749 says (sections 4.4, 5, 6), replaces refresh tokens if told so, and forgets tokens when told. Not for: what a
real provider does besides.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus

CLIENT, CLIENT_SECRET = "test-client", "client-secret-not-real"
REFRESH = "refresh-0-not-real"


class TokenServer:
    """`POST /token` gives tokens, anything else wants one. Counts what it was asked."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.calls = 0
        self.life_s = 3600
        self.replaces_refresh = False
        self.refresh = REFRESH
        self.down = False
        self._valid: set[str] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def forget(self) -> None:
        """All tokens given so far are refused from now on."""
        with self._lock:
            self._valid.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.forms.append(form)
            if self.down:
                return 503, {"error": "temporarily_unavailable"}
            if _client(form, authorization) != (CLIENT, CLIENT_SECRET):
                return 401, {"error": "invalid_client", "error_description": f"not {CLIENT_SECRET}"}
            if form.get("grant_type") == "refresh_token" and form.get("refresh_token") != self.refresh:
                return 400, {"error": "invalid_grant"}
            text = f"access-{len(self.given) + 1}-not-real"
            self.given.append(text)
            self._valid.add(text)
            told: dict[str, Any] = {"access_token": text, "token_type": "Bearer", "expires_in": self.life_s}
            if form.get("grant_type") == "refresh_token" and self.replaces_refresh:
                self.refresh = told["refresh_token"] = f"refresh-{len(self.given)}-not-real"
            return 200, told

    def api(self, authorization: str) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.calls += 1
            known = authorization.removeprefix("Bearer ") in self._valid
            # Repeats the token, as some vendors do: nothing of it may reach a caller.
            return (
                (200, {"ok": True}) if known else (401, {"error": {"message": f"bad token {authorization}"}})
            )


def _client(form: dict[str, str], authorization: str) -> tuple[str, str]:
    if authorization.startswith("Basic "):
        client, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        return unquote_plus(client), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret", "")


def _handler(server: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            authorization = self.headers.get("authorization") or ""
            if self.path == "/token":
                form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
                status, told = server.token(form, authorization)
            else:
                status, told = server.api(authorization)
            data = json.dumps(told).encode()
            self.send_response(status)
            for name, value in (("x-made-for", "tests"), ("content-type", "application/json")):
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = answer  # noqa: N815 - as the standard library wants them

        def log_message(self, *args: Any) -> None:
            """Nothing: what was asked is counted."""

    return Handler


@contextmanager
def running_token_server() -> Iterator[TokenServer]:
    """One on a free port."""
    server = TokenServer()
    try:
        yield server
    finally:
        server.close()
