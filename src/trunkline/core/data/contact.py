"""Ways to reach somebody: e-mail addresses, telephone numbers, internet addresses. Pure.

Not for: postal addresses (`addresses.py`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from trunkline.core.data.listed import words

Span = tuple[int, int]

_EMAIL = re.compile(
    r"(?<![\w.+%-])[^\W_][\w.+%'-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+([^\W\d_]{2,24}|xn--[a-z0-9-]{2,30})(?![\w-])"
)
_FILES = frozenset(
    ("png", "jpg", "jpeg", "gif", "svg", "webp", "js", "mjs", "css", "map", "html", "json", "ts", "tsx", "py")
)
"""`logo@2x.png` is a file; `git@host` is nobody."""


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses."""
    if "@" not in text:
        return
    for found in _EMAIL.finditer(text):
        if found[1].lower() not in _FILES and not found[0].startswith("git@"):
            yield found.span()


_COUNTRY_CODES = words(
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 "
    "93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 "
    "243 244 245 246 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 268 269 290 291 297 298 299 350 "
    "351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 380 381 382 383 385 386 387 389 420 421 423 500 501 "
    "502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 "
    "685 686 687 688 689 690 691 692 800 808 850 852 853 855 856 870 880 881 886 888 960 961 962 963 964 965 966 967 968 970 971 "
    "972 973 974 975 976 977 979 992 993 994 995 996 998"
)
"""ITU-T E.164."""
_INTERNATIONAL = re.compile(
    r"(?<![\w+])(?<!\d )(?:\+|\(\+|00(?=[1-9]\d?\d?[ .()-]))[1-9][\d .()/-]{5,22}\d(?: ?(?:x|ext\.?) ?\d{1,6})?(?![\w]|[-.]\d)"
)
_NORTH_AMERICAN = re.compile(
    r"(?<![\w.+-])(?<!\d )(?:\+?1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d([ .-]))[2-9]\d\d(?:\1|[ .-])\d{4}(?: ?(?:x|"
    r"ext\.?) ?\d{1,6})?(?![\w]|[-.]\d)"
)
_NATIONAL = re.compile(
    r"(?<![\w.,+/-])(?<!\d )\(?0[1-9]\d{0,4}\)?(?:[ ./-]{1,2}\d{2,8}){1,5}(?![\w]|[-./]\d)"
)
_PAIRS = re.compile(r"(?<![\w.,+/-])(?<!\d )0[1-9](?:([ .-])\d\d)(?:\1\d\d){3}(?![\w]|[-./ ]\d)")
_BARE = re.compile(r"(?<![\w.,+/(-])(?<!\d )(?:\d{7,12}|\(?\d{1,4}\)?(?:[ .-]\d{2,7}){1,5})(?![\w]|[.,/]\d)")
_DATE_LIKE = re.compile(r"\d{4}-\d\d-\d\d|\d\d?[.-]\d\d?[.-]\d{2,4}")
_AFTER = re.compile(r"[ ,-]{0,3}\(?(?:office|fax|mobile|cell|home|work|direct|tel|phone)\b", re.IGNORECASE)
_WORDS = re.compile(
    r"phone|\btel\b|tel[.:]|t[eé]l[eé]|mobil|\bcell|\bfax|whatsapp|sms\b|\btext (?:me|him|her|us)|call(?:ed)? (?:me|him|her|us|back|at|on)|"
    r"reach (?:me|him|her|us)|ring (?:me|him|her)|contact|dial|handy|rufnummer|ruf(?:en)? |num[eé]ro|m[oó]vil|port[aá]vel|cellulare|"
    r"hotline|my number|her number|his number|registered number|desk:|signal\b|☎|📞|✆",
    re.IGNORECASE,
)
_NOT_WORDS = re.compile(
    r"order|invoice|ticket|case|\bref|account|serial|isbn|issn|version|\bpart\b|sku|zip|id:? *$|number of|amount|total|\bpin\b|code|"
    r"rechnung|bestell|artikel|commande|facture|pedido|factura|tracking|policy|booking",
    re.IGNORECASE,
)
_BEFORE = 32


def phones(text: str, hint: bool = False) -> Iterator[Span]:
    """Telephone numbers. Bare digits count only beside a word of their kind, or where `hint`, the key, says so."""
    for found in _candidates(text, hint):
        if hint or not _told(text, found.start(), _NOT_WORDS):
            yield found.span()


def _candidates(text: str, hint: bool) -> Iterator[re.Match[str]]:
    yield from (found for found in _INTERNATIONAL.finditer(text) if _is_international(found[0]))
    yield from _NORTH_AMERICAN.finditer(text)
    yield from _PAIRS.finditer(text)
    for found in _NATIONAL.finditer(text):
        digits = _digits(found[0])
        parted = len(found[0]) > len(digits) + 1
        if 9 <= len(digits) <= 13 and (parted or hint or _told(text, found.start(), _WORDS)):
            yield found
    for found in _BARE.finditer(text):
        told = hint or _AFTER.match(text, found.end()) or _told(text, found.start(), _WORDS)
        if told and 7 <= len(_digits(found[0])) <= 15 and not _DATE_LIKE.match(found[0]):
            yield found


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _told(text: str, start: int, words: re.Pattern[str]) -> bool:
    """Whether one of these words stands shortly before."""
    return words.search(text[max(0, start - _BEFORE) : start]) is not None


def _is_international(text: str) -> bool:
    digits = _digits(text)
    if not text.startswith(("+", "(+")):
        digits = digits[2:]
    known = any(digits[:size] in _COUNTRY_CODES for size in (1, 2, 3))
    return known and 8 <= len(digits) <= 15


_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}(?::|[0-9A-Fa-f]{1,4}|:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4})*)(?![\w:])"
)
_VERSION = re.compile(r"(?:\bv|version|release|build|rev|firmware|chapter|section|§) *:?$", re.IGNORECASE)


def addresses(text: str) -> Iterator[Span]:
    """Public internet addresses; those of private networks tell of nobody."""
    for found in _IPV4.finditer(text) if text.count(".") >= 3 else ():
        if not _VERSION.search(text[max(0, found.start() - 12) : found.start()]) and _is_public(found[0]):
            yield found.span()
    if text.count(":") >= 2:
        for found in _IPV6.finditer(text):
            if (found[0].count(":") == 7 or "::" in found[0]) and _is_public(found[0]):
                yield found.span()


_DOCUMENTATION = tuple(
    map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
)


def _is_public(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global or any(address in network for network in _DOCUMENTATION)
