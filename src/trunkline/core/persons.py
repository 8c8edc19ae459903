"""How a person is kept: as a keyed hash of an identifier of theirs, so that who has the identifier can find their calls and nobody else.

    person_hash(salt, " Jane@Example.com ") == person_hash(salt, "jane@example.com")

Pure. Not for: where requests name persons (`plugins/policies/identifiers.py`), nor for finding the calls (`ledger/persons.py`).
"""

from __future__ import annotations

import hmac
import re
from typing import Any

LONGEST = 256
MOST = 1000
"""Persons of one call that are kept; a mail may go to many."""

_PHONE = re.compile(r"\+[\d ().\-/]{7,24}")
_SCHEME = re.compile(r"(?:mailto|tel|sms|whatsapp):", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"<([^<>]+@[^<>]+)>\s*$")


def normal(identifier: str) -> str:
    """One spelling for what is the same: e-mail addresses in small letters, telephone numbers as plus and digits, the rest as it is."""
    text = identifier.strip()
    scheme = _SCHEME.match(text)
    if scheme is not None:
        text = text[scheme.end() :]
    if "@" in text:
        inner = _IN_BRACKETS.search(text)
        return (inner[1] if inner is not None else text).strip().lower()
    if _PHONE.fullmatch(text):
        return "+" + "".join(filter(str.isdigit, text))
    return text


def person_hash(salt: bytes, identifier: str) -> str:
    """The keyed hash under which a person is kept (W2)."""
    return _hashed(salt, normal(identifier))


def hashes(salt: bytes, identifier: str) -> list[str]:
    """Every hash under which calls of a person may be kept: earlier versions hashed subjects as they were spelled."""
    return list(dict.fromkeys(_hashed(salt, text) for text in (normal(identifier), identifier)))


def mark_of(hash_: str) -> str:
    """How a person is named in audit rows and lists of tasks: the begin of their hash."""
    return f"prs_{hash_[:12]}"


def named_by(user: Any, safety_identifier: Any, metadata: Any) -> tuple[str, ...]:
    """The end user of a model call as the dialects name one: `user`, `safety_identifier` (OpenAI), `metadata.user_id` (Anthropic)."""
    told = metadata.get("user_id") if isinstance(metadata, dict) else None
    found = (one for one in (user, safety_identifier, told) if isinstance(one, str))
    return tuple(dict.fromkeys(one for one in found if 0 < len(one) <= LONGEST))


def _hashed(salt: bytes, text: str) -> str:
    return hmac.digest(salt, text.encode("utf-8", "surrogatepass"), "sha256")[:16].hex()
