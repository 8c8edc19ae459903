"""One HTTPS question to an outside store, with bounds on time and size: the standard library alone, blocking.

No redirect is followed, since a credential goes with the question. Not for: calls to vendors (`wire`).
"""

from __future__ import annotations

import ipaddress
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from trunkline.plugins.secrets import StoreDown

TIMEOUT_S = 5.0
ANSWER_MAX = 1 << 20
_BUSY = (408, 425, 429)


class Answer(NamedTuple):
    """Status and body; `tree` is None when the body is no JSON."""

    status: int
    tree: Any
    text: str

    def get(self, *names: str) -> Any:
        """A member of the JSON body along a path; None where it is not there."""
        found = self.tree
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def __repr__(self) -> str:
        return f"Answer({self.status})"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Asking:
    """The way to one store. `name` is how it is called in what people read."""

    def __init__(
        self, name: str, *, ca_file: str = "", timeout_s: float = TIMEOUT_S, allow_http: bool = False
    ) -> None:
        self._name = name
        self._ca_file = ca_file
        self._timeout_s = timeout_s
        self._allow_http = allow_http

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> Answer:
        """The answer, whatever its status below 500 says. Raises StoreDown when there is none, or the store is busy or broken."""
        lines = {"accept": "application/json", "user-agent": "trunkline", **(headers or {})}
        if body is not None:
            data, lines["content-type"] = json.dumps(body).encode(), "application/json"
        if form is not None:
            data, lines["content-type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        request = urllib.request.Request(self._judged(url), data=data, headers=lines, method=method)  # noqa: S310
        host = urlsplit(url).hostname or ""
        try:
            with self._opener(host).open(request, timeout=self._timeout_s) as reply:
                return self._read(host, reply.status, reply)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return self._read(host, refusal.code, refusal)
        except TimeoutError:
            raise self._down(f"{host} had no answer within {self._timeout_s:g} s") from None
        except (urllib.error.URLError, OSError, ValueError) as problem:
            reason = getattr(problem, "reason", problem)
            if isinstance(reason, TimeoutError):
                raise self._down(f"{host} had no answer within {self._timeout_s:g} s") from None
            raise self._down(f"{host} cannot be reached ({_words(reason)})") from None

    def _read(self, host: str, status: int, reply: Any) -> Answer:
        raw = reply.read(ANSWER_MAX + 1)
        if len(raw) > ANSWER_MAX:
            raise self._down(f"{host} answered more than 1 MB")
        text = raw.decode("utf-8", "replace")
        if status >= 500 or status in _BUSY or 300 <= status < 400:
            raise self._down(f"{host} answered {status}")
        try:
            return Answer(status, json.loads(text), text)
        except ValueError:
            return Answer(status, None, text)

    def _judged(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self._down(f"{parts.netloc or 'its address'!s} is no http(s) address", "Set its address.")
        if parts.scheme == "http" and not (self._allow_http or is_local(parts.hostname)):
            cure = "Use https, or say `allow_http: true` at the store in the registry."
            raise self._down(f"{parts.hostname} would be asked without encryption", cure)
        return url

    def _opener(self, host: str) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context(cafile=self._ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        proxies = urllib.request.ProxyHandler({} if is_local(host) else None)
        return urllib.request.build_opener(proxies, urllib.request.HTTPSHandler(context=context), _Stay)

    def _down(self, why: str, cure: str = "") -> StoreDown:
        return StoreDown(f"{self._name} at {why}", cure, away=True)


def file_text(path: str) -> str:
    """What stands in a file that a login needs; empty for no path. Raises StoreDown."""
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise StoreDown(f"the login's file {path} cannot be read ({type(problem).__name__})") from None


def is_local(host: str) -> bool:
    """Whether a host is the machine itself, or where a cloud tells a machine about itself: no proxy leads there."""
    try:
        at = ipaddress.ip_address(host)
    except ValueError:
        return host in ("localhost", "metadata.google.internal")
    return at.is_loopback or at.is_link_local


def _words(reason: Any) -> str:
    return str(getattr(reason, "strerror", "") or type(reason).__name__)
