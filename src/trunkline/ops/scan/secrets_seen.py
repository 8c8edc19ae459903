"""Values that may be credentials. They are looked at here and nowhere else; what leaves is what may be shown of one.

A value counts by its vendor's form, or by its name and being as random as a key. Placeholders, references and made-up
values of tests do not. Not for: what a name alone says (`names.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from .found import Credential, Kind, Place
from .names import judge
from .tokens import is_token
from .tree import File
from .vendors import Vendors

SHOWN_FROM = 16
"""Values shorter than this show nothing of themselves."""
MARK_BITS = 64.0
LONGEST = 4096
_PLACEHOLDER = re.compile(
    r"""(?ix) your | example | change.?me | replace | placeholder | insert | dummy | fake | sample | redacted
    | secret.?here | not.?a.?real | todo | fixme | x{4,} | \*{3,} | \.{3,} | <[^>]*> | \{\{ | \$\{ | \#\{ | %\w+% | ^\$\(? | ^!\w+
    | ^(?:env|file|store|vault|op|ssm|arn|secrets?):
    | 1234567890 | 0123456789 | abcdef(?:gh|123)
    | (?:^|[^a-z0-9])(?:test|foo|bar|none|null|undefined|true|false|default|value|key|token)(?:$|[^a-z0-9])"""
)
_KEY_CHARACTERS = re.compile(r"[A-Za-z0-9+/=_.~:@!#$%^&*-]+")
_WORD = r"(?>(?:[A-Z]?+[a-z]++){1,6}+\d{0,4}+|[A-Z]{1,}+\d{0,4}+|\d{1,4}+[a-z]?)"
_WORDS = re.compile(rf"[-_.]*+{_WORD}(?:[-_. /]{_WORD})*+")
"""Words with something between them, or in camel case."""
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


class Seen(NamedTuple):
    """A value with its name. Never kept, never shown."""

    name: str
    value: str
    line: int
    plain: bool
    """The name is a variable of an environment."""

    def __repr__(self) -> str:
        return f"Seen({self.name!r}, line {self.line})"


class Keeper:
    """Turns what was seen into what may be kept. `salt` makes marks comparable between runs that share it."""

    def __init__(self, vendors: Vendors, salt: bytes = b"") -> None:
        self._vendors = vendors
        self._salt = salt or secrets.token_bytes(32)

    def kept(self, seen: Seen, file: File, kind: Kind) -> Credential | None:
        """The credential, or None if neither name nor value says that it is one."""
        said = judge(seen.name, self._vendors, plain=seen.plain)
        value = private_key_end(seen.value) or _default(seen.value.strip()[:LONGEST])
        vendor, live = "", None
        real = not is_placeholder(value)
        if real:
            vendor, live = self._vendors.of_key(value, said.vendor)
        by_form = bool(vendor)
        if by_form and not _fits_form(value):
            vendor, by_form = "", False
        random = (
            real
            and not by_form
            and (
                is_token(value)
                or (said.secret and _is_key(value, password=said.password) and _is_no_name(value, kind))
            )
        )
        if not by_form and not random and not said.secret:
            return None
        if kind in ("source", "settings") and not by_form and not random and not seen.plain:
            return None
        return Credential(
            name=safe(seen.name),
            vendor=vendor or said.vendor,
            own=(said.own or _is_ours(seen.name, value)) and not vendor,
            place=Place(file.path, seen.line),
            kind=kind,
            role=file.role,
            valued=by_form or random,
            by="form" if by_form else "entropy" if random else "name",
            ignored=file.ignored,
            browser=said.browser,
            live=live,
            last4=value[-4:] if (by_form or random) and len(value) >= SHOWN_FROM else "",
            mark=self._mark(value) if by_form or random else "",
        )

    def _mark(self, value: str) -> str:
        if entropy(value) * len(value) < MARK_BITS:
            return ""  # a weak one could be guessed from its mark
        return hmac.digest(self._salt, value.encode("utf-8", "replace"), hashlib.sha256).hex()[:8]


def _is_ours(name: str, value: str) -> bool:
    """A key to Trunkline itself, which callers keep in their environment."""
    return "TRUNKLINE" in name.upper() or value.startswith("tl_")


def _default(value: str) -> str:
    """`${NAME:-value}` is a value, too."""
    found = re.fullmatch(r"\$\{\w+(?::?[-=]|:)([^${}]+)\}", value)
    return found[1] if found else value


def is_placeholder(value: str) -> bool:
    """Nothing, a reference, or words that stand for a value."""
    if len(value) < 8 or len(set(value)) < 4:
        return True
    if PRIVATE_KEY.search(value):
        return False
    rest = value.removeprefix(common_start(value))
    return bool(_PLACEHOLDER.search(rest)) or bool(
        _WORDS.fullmatch(rest) and not re.search(r"\d", rest) and len(rest) < 40
    )


def common_start(value: str) -> str:
    """The part before the random one, which may hold words: `sk_test_`, `sk-or-v1-`, `whsec_`."""
    found = re.match(r"(?:[A-Za-z]{1,8}[0-9]?[_-]){1,3}(?=[A-Za-z0-9])", value)
    return found[0] if found else ""


def _fits_form(value: str) -> bool:
    """Behind a vendor's prefix stands what a machine made, by chance without a digit now and then."""
    rest = value.rsplit("/", 1)[-1] if "://" in value else value.removeprefix(common_start(value))
    mixed = (
        len(rest) >= 20
        and rest.isalpha()
        and re.search("[A-Z]{2}.*[A-Z]{2}", rest)
        and re.search("[a-z]", rest)
    )
    return is_random(rest, least=12) or (bool(mixed) and entropy(rest) >= 3.3)


def _is_key(value: str, *, password: bool) -> bool:
    """As random as a key; a password may be shorter if its characters are of three kinds."""
    if is_random(value):
        return True
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    return password and kinds >= 3 and is_random(value, least=10)


def is_random(value: str, *, least: int = 16) -> bool:
    """As random as a made key: long, of key characters, digits among letters, and no words."""
    if len(value) < least or not _KEY_CHARACTERS.fullmatch(value) or not re.search(r"\d", value):
        return False
    if not re.search(r"[A-Za-z]", value) or "://" in value:
        return False
    least_bits = 2.8 if re.fullmatch(r"[0-9a-fA-F-]+", value) else 3.0 if len(value) < 20 else 3.3
    return entropy(value) >= least_bits and not _WORDS.fullmatch(value)


def _is_no_name(value: str, kind: Kind) -> bool:
    """In code, a dotted name, a path or a version is no key, however mixed its letters; unless a part of it looks made."""
    if kind not in ("source", "settings") or not re.fullmatch(r"[A-Za-z_]\w*(?:[./:-][A-Za-z_]\w*)+", value):
        return True
    return any(is_random(part) for part in re.split(r"[./:-]", value))


def entropy(value: str) -> float:
    """Shannon's, in bits per character."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values()) if size else 0.0


class Forms:
    """Finds vendors' key forms anywhere in a text."""

    def __init__(self, vendors: Vendors) -> None:
        sure = [form for form, _ in vendors.forms if not form.weak]
        self._starts = sorted({start for form in sure for start in form.starts})
        whole = "|".join(f"(?:{form.pattern})" for form in sure)
        self._pattern = re.compile(rf"(?<![A-Za-z0-9_-])(?:{whole})(?![A-Za-z0-9_-])")

    def places(self, text: str) -> Iterator[tuple[int, str]]:
        """(offset, value) of everything that has the form of a key."""
        if any(start in text for start in self._starts):
            for match in self._pattern.finditer(text):
                yield match.start(), match[0]


def safe(text: str) -> str:
    """A name or a line with everything masked that may itself be a credential."""
    text = USERINFO.sub(lambda found: f"{found[1]}://{found[2]}:***@{found[4]}", text)

    def hide(found: re.Match[str]) -> str:
        return found[0] if is_placeholder(found[0]) or not is_random(found[0]) else "***"

    return _RUNS.sub(hide, text)


_RUNS = re.compile(r"[A-Za-z0-9+_-]{16,}=*")
PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?P<inner>\s*(?:\\n)?[A-Za-z0-9+/=\s\\]{64,})(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----)?"
)


def private_key_end(value: str) -> str:
    """What stands for a private key: its end, on one line; empty if the value holds none."""
    found = PRIVATE_KEY.search(value)
    return re.sub(r"\\[nr]|\s", "", found["inner"][-60:]) if found else ""


USERINFO = re.compile(r"\b([a-z][a-z0-9+.-]*)://([^\s:@/'\"]*):([^\s:@/'\"]{6,})@([A-Za-z0-9.-]+)")
"""User and password in an address."""
