"""What the gateway tells of the keys that it let in and of those that it did not: the content of `key-uses.msgpack`. Plain data."""

from __future__ import annotations

import msgspec

from trunkline.core.lockout import Lock

FILE_NAME = "key-uses.msgpack"


class TokenUse(msgspec.Struct, frozen=True, kw_only=True):
    """The owner of tokens of another issuer."""

    name: str
    team: str
    at: float


class Uses(msgspec.Struct, frozen=True, kw_only=True):
    """Since the gateway started; times are epoch seconds, to a quarter of a minute."""

    boot: str
    keys: dict[str, float] = {}
    """`ID:VERSION` of a key -> its last use."""
    tokens: dict[str, TokenUse] = {}
    """Id of a caller by token -> its last use."""
    locks: list[Lock] = []
    """Addresses that were locked out for wrong keys, the last hundred."""
    wrong: int = 0
    """Wrong keys altogether."""
    issuers: list[str] = []
    """Issuers that signed with a key that is not known here."""
