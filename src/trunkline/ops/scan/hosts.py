"""Which literal addresses are called, and which are only mentioned (links, documentation, schemas). Pure.

An address counts when a request is sent to it where it stands, when its host is a known API, or when it is kept under a name for an
endpoint and looks like one. Prose, links and addresses of nobody do not. Not for: finding literals (`lexer.py`).
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from . import host_words as words
from .context import Around
from .vendors import Vendors, split_name

_VARIABLE = r"%s|\$\{[^}\s]*\}|\#\{[^}\s]*\}|\{[^}\s]*\}|<%=[^%]*%>|\$[A-Za-z_]\w*"
_URL = re.compile(
    rf"""(?P<scheme>https?|wss?)://
        (?P<host>(?:[A-Za-z0-9_-]+|{_VARIABLE})(?:[.-](?:[A-Za-z0-9_-]+|{_VARIABLE}))*)
        (?::(?P<port>[0-9]{{1,5}}))?
        (?P<path>/[A-Za-z0-9._~/@:+,;=-]*)?""",
    re.VERBOSE,
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:\*|{_LABEL})(?:\.{_LABEL})*\.[a-z][a-z0-9-]{{1,62}}")
_BARE = re.compile(r"(?:[a-z0-9-]+\.){1,4}[a-z]{2,10}")


class Called(NamedTuple):
    """An address that is called."""

    scheme: str
    host: str
    port: int
    path: str
    vendor: str
    why: str
    start: int
    """Offset in the text at which the address begins."""


def addresses(text: str) -> list[tuple[re.Match[str], str]]:
    """Every address in a text, with its host: lower case, a variable first part as `*`; without those that name no host."""
    return [(match, host) for match in _URL.finditer(text) if (host := plain_host(match["host"]))]


def plain_host(host: str) -> str:
    """The host with its variable parts as one leading `*`; empty where what is left names nobody."""
    parts = re.split(_VARIABLE, host)
    if len(parts) == 1:
        whole = host.lower().rstrip(".")
        return whole if _is_host(whole) else ""
    tail = parts[-1].lower()
    whole = "*" + tail
    return whole if tail.startswith(".") and tail.count(".") > 1 and _HOST.fullmatch(whole) else ""


def _is_host(host: str) -> bool:
    if host in ("localhost", "host.docker.internal"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(_HOST.fullmatch(host))
    return True


def is_nobody(host: str) -> bool:
    """Made-up names, and names of this machine and network."""
    if words.NOBODY.search(host) or words.SPECS.search(host) or "." not in host:
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


_CALL = re.compile(r"([\w$.:>!?-]+)\s*\(([^()]{1,160})")
_OPENED = re.compile(r"\bURI(?:\.parse)?\(\s*([\w.@]+)\s*\)\s*\.\s*(?:open|read)\b")
_PLAIN = re.compile(r"[$@]?(?:\w+(?:\.|::|->)\$?)*(\w+)")
FAR = 3000
"""Characters within which a name that is no constant means the same thing."""


def sent_names(code: str) -> dict[str, list[int]]:
    """Names that are handed as they are to calls that send, and where."""
    found: dict[str, list[int]] = {}
    for match in _CALL.finditer(code):
        if words.SENDS.search(match[1]) and not words.ROUTES.match(match[1]):
            for argument in match[2].split(","):
                if (plain := _PLAIN.fullmatch(argument.strip())) is not None:
                    found.setdefault(plain[1], []).append(match.start())
    for match in _OPENED.finditer(code):
        found.setdefault(match[1].rpartition(".")[2], []).append(match.start())
    return found


def is_sent(name: str, offset: int, sent: dict[str, list[int]]) -> bool:
    """Whether what a name is given at `offset` is sent to: a constant anywhere in the file, another name soon after."""
    plain = re.split(r"\.|::|->", name)[-1]
    places = sent.get(plain, ())
    return any(plain.isupper() or 0 < place - offset < FAR for place in places)


def judge(
    match: re.Match[str], host: str, literal: str, near: Around, vendors: Vendors, *, sent: bool = False
) -> Called | None:
    """Whether this address in this literal of code is called; `sent`: what it is assigned to is sent to further on."""
    made = _made(match, host, vendors)
    if is_nobody(host):
        return (
            made._replace(why="known address") if made.vendor and (_is_kept(near) or _sends(near)) else None
        )
    if _is_prose(match, literal) or _is_markup(near):
        return None
    if _sends(near):
        return made._replace(why=f"sent by {next(call for call in near.calls if words.SENDS.search(call))}")
    if sent:
        return made._replace(why=f"sent as {near.name}")
    if _is_link(_name(near), made, vendors):
        return None
    why = _kept(made, near)
    return made._replace(why=why) if why else None


def judge_setting(match: re.Match[str], host: str, name: str, vendors: Vendors) -> Called | None:
    """Whether an address that is the value of a setting is called."""
    if match.start() > 0:
        return None
    made = _made(match, host, vendors)._replace(why=f"set as {name}")
    upper = "_".join(split_name(name))
    if is_nobody(host):
        here = vendors.known.get(made.vendor or vendors.of_words(name))
        return made._replace(vendor=here.name) if here is not None and here.is_private else None
    if _is_link(upper, made, vendors):
        return None
    if made.vendor or (words.ENDPOINT_NAME.search(upper) and _looks(made)):
        return made
    return None


def bare(value: str, near: Around, vendors: Vendors) -> str:
    """The vendor of a literal that is nothing but a host name known as an API, kept or called as one."""
    if (
        not _BARE.fullmatch(value)
        or is_nobody(value)
        or words.LINKED.search(value)
        or words.READ.match(value)
    ):
        return ""
    vendor = vendors.of_host(value)
    return vendor if vendor and words.ENDPOINT_NAME.search(_name(near)) else ""


def _made(match: re.Match[str], host: str, vendors: Vendors) -> Called:
    port = int(match["port"] or 0)
    scheme = match["scheme"].replace("ws", "http")
    return Called(scheme, host, port, match["path"] or "", vendors.of_host(host, port), "", match.start())


def _kept(made: Called, near: Around) -> str:
    """Why an address that is not sent to where it stands is called all the same; empty if it is not."""
    name, looks = _name(near), _looks(made)
    if made.vendor:
        return f"API of {made.vendor}"
    if looks and (_is_kept(near) or not name):
        return "looks like an API"
    surely = words.SURELY_NAME.search(name) and _is_kept(near) and not made.host.startswith("www.")
    if (surely and (looks or made.path not in ("", "/"))) or words.BASE_NAME.search(name):
        return f"kept as {near.name or near.keys[0]}"
    return ""


def _is_link(name: str, made: Called, vendors: Vendors) -> bool:
    """Whether people follow it: by its name, its host or its path."""
    if words.LINK_NAME.search(name) or words.AUTHORIZE.search(made.path):
        return True
    if made.host.endswith("googleapis.com") and words.SCOPE.match(made.path):
        return True
    if vendors.is_host(made.host):
        return False
    return bool(words.LINKED.search(made.host)) or bool(
        words.READ.match(made.host) and ".api." not in made.host
    )


def _looks(made: Called) -> bool:
    return bool(words.API_HOST.search(made.host) or words.API_PATH.search(made.path))


def _name(near: Around) -> str:
    return "_".join(split_name(near.name or (near.keys[0] if near.keys else "")))


def _sends(near: Around) -> bool:
    return any(words.SENDS.search(call) and not words.ROUTES.match(call) for call in near.calls)


def _is_kept(near: Around) -> bool:
    named = words.ENDPOINT_NAME.search(_name(near))
    return bool(named) or any(words.TAKES_ADDRESS.search(call) for call in near.calls)


def _is_prose(match: re.Match[str], literal: str) -> bool:
    """Words around it: a sentence, a command, a page."""
    before, after = literal[: match.start()].strip(), literal[match.end() : match.end() + 80]
    if before and not re.fullmatch(r"(?:Bearer|url\(|[\[(<]*)", before):
        return True
    return bool(re.search(r"\s[a-z]+\s[a-z]+", after)) or ("\n" in literal and len(literal.split()) > 7)


def _is_markup(near: Around) -> bool:
    if words.MARKUP.search(near.before):
        return True
    first = near.calls[0] if near.calls else ""
    last = re.split(r"\.|::|->", first)[-1]
    return bool(words.ONLY_SAYS.match(last)) and not words.SENDER_WORDS.search(first)
