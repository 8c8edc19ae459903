"""What kind of text or number a value is: a date of which form, an id, a word out of a set. Pure; a look at one value, never at many.

Not for: whose data it is (personal categories are the data map's).
"""

from __future__ import annotations

import re

TOKEN_CHARS = 64
NAMED_TIME = re.compile(
    r"(^|_|-)(at|on|time|date|timestamp|ts|created|updated|modified|expires|expiry|expiration|start|started|end|ended|due|until|since"
    r"|reset|deadline|timestamps?)($|_|-)|(At|Time|Date|Timestamp)$",
)
"""Names of fields whose integers are read as instants."""

_FORMATS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("uuid", re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")),
    ("date-time", re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)")),
    ("date-time-local", re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?")),
    ("date-time-space", re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d(\.\d+)?)?( ?(UTC|Z|[+-]\d\d:?\d\d))?")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d")),
    ("date-slash", re.compile(r"\d{1,4}/\d{1,2}/\d{1,4}")),
    ("http-date", re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d ([A-Z]{3}|[+-]\d{4})")),
    ("duration", re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")),
    ("email", re.compile(r"[^@\s]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")),
    ("uri", re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S+")),
    ("integer-text", re.compile(r"-?\d{1,20}")),
    ("decimal-text", re.compile(r"-?\d{1,20}\.\d{1,20}")),
    ("boolean-text", re.compile(r"true|false")),
)  # fmt: skip
_LONGEST = 400
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9]*([_.:/+-][A-Za-z0-9]+)*")
_UNSTEADY = re.compile(
    r"\d{4}|\d[A-Za-z]\d|\d[A-Za-z]+\d+[A-Za-z]|[a-z]\d[A-Z]|[A-Z]\d[a-z]|(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9]{12,}"
)
"""In words of a set neither years nor random letters and digits stand."""
_RUN = re.compile(r"[A-Za-z0-9]{25,}")
_QUANTITY = re.compile(r"\d{1,5}([A-Za-z]|[KMGTkmgt]i?[Bb]|ms|px)|\d{2,5}x\d{2,5}")
"""Sizes and spans, which vendors offer a few of: `4g`, `24h`, `1024x1024`."""
_DATED = re.compile(r"(?<=[-_.])(19|20)\d\d([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?![\dA-Za-z])")
_CODE = re.compile(r"0\d{1,2}")
_COUNTED = re.compile(
    r"month|day|hour|min|sec|date|time|year|exp|mm$|dd$|number|num$|no$|seq|count|index|zip|post|phone|version|batch",
    re.IGNORECASE,
)
"""Names of fields whose numbers may begin with 0 and are no codes."""
DATE = "DATE"
"""Stands in words for a day."""
_COMPOUND = re.compile(r"[a-z]{2,16}(?=[A-Z])|[A-Z][a-z]{2,15}|[A-Z]{2,5}(?![a-z])|(?<!\d)\d{1,2}(?![\da-z])")
_RANDOM_KEY = re.compile(
    r"\d+|[0-9a-fA-F-]{8,}|.{0,12}?(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{10,}|\d{4}-\d\d(-\d\d)?|.+@.+|.+://.+|.*\s.*\s.*"
)
PERSONAL = re.compile(
    r"(^|_)(name|firstname|lastname|surname|nickname|username|login|handle|author|owner|contact|email|mail|phone|mobile|fax|street|line\d"
    r"|city|town|county|address|postal|postcode|postal_code|zip|company|employer|birth|birthday|gender|nationality|ssn|passport|iban|title"
    r"|subject)$|(Name|Email|Phone|City|Street|Address)$",
    re.IGNORECASE,
)
"""Names of fields whose values may be somebody's: never kept, however few they are."""
SECRET = re.compile(
    r"passw|passphrase|passwd|secret|credential|authori[sz]ation|signature|cookie|bearer|jwt|api_?key|private_?key|access_?key|session_?key"
    r"|(^|[_-])(auth|otp|totp|mfa|pin|cvc|cvv|nonce|sig|pwd|token)$|(^|[a-z_-])(access|refresh|id|auth|session|csrf|device|bot|bearer)_?token$|[a-z]Token$",
    re.IGNORECASE,
)
"""Names of fields that hold what opens something: not a letter of theirs is kept."""
LINES = re.compile(r"ndjson|jsonl|json-?lines|json-seq|stream\+json")
"""Media types of bodies that are one JSON text a line."""
WRITTEN = re.compile(
    r"(^|_)(text|content|contents|delta|prompt|note|notes|memo|comment|comments|remark|remarks|first|last|given|family|dob|partial_json)$",
    re.IGNORECASE,
)
"""Names of fields that hold what somebody wrote or is called: few of them may look like a set."""
SECONDS = (946_684_800, 4_102_444_800)
"""From 2000 to 2100."""


def text_format(value: str) -> str:
    """The format of a text; `text` for one that has none that is known."""
    if not value or len(value) > _LONGEST:
        return "text" if value else "empty"
    return next((name for name, pattern in _FORMATS if pattern.fullmatch(value)), "text")


def number_format(value: int, name: str) -> str:
    """How an integer tells an instant, where the field's name says that it tells one; else empty."""
    if not NAMED_TIME.search(name):
        return ""
    for unit, factor in (("epoch-s", 1), ("epoch-ms", 1000), ("epoch-us", 1_000_000)):
        if SECONDS[0] * factor <= value <= SECONDS[1] * factor:
            return unit
    return "number"


def is_word(value: str) -> bool:
    """Whether a text may be a word out of a set: short, an identifier, nothing random in it."""
    if len(value) > TOKEN_CHARS or not _TOKEN.fullmatch(value) or _UNSTEADY.search(value):
        return bool(_QUANTITY.fullmatch(value))
    return all(is_compound(run.group()) for run in _RUN.finditer(value))


def word_of(value: str) -> str:
    """The word of a set that a text is; empty if it is none. Versions are often named after a day, which is no word but the rest
    is: `default_2024_08_21` is `default_DATE`, and so is the one of the year after.
    """
    undated = _DATED.sub(DATE, value)
    return undated if is_word(undated) else ""


def is_code(value: str, name: str) -> bool:
    """Whether digits are a code out of a set rather than a number: `01`, `003`, under a name that does not say otherwise."""
    return bool(_CODE.fullmatch(value)) and not _COUNTED.search(name)


def is_random_key(key: str) -> bool:
    """Whether a key of an object is data (an id, a date, an address) rather than the name of a field."""
    return bool(_RANDOM_KEY.fullmatch(key)) and not is_compound(key)


def is_compound(text: str) -> bool:
    """Whether letters and digits in a row are words set together, such as `threeDS2Result`. Random ones change between large and small
    letters and digits too often for that.
    """
    pieces = _COMPOUND.findall(text)
    digits = sum(len(piece) for piece in pieces if piece.isdigit())
    return "".join(pieces) == text and digits <= 2 and len(pieces) - (digits > 0) > 1
