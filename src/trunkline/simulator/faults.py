"""Faults on demand: which request shall go wrong, and how. Rules are set through the control API or one header.

Not for: carrying a fault out; that is `corpus.py` (an error in the vendor's own shape), `altered.py` (a well-formed reply with
wrong content) and `wire_faults.py` (bytes that break the rules).
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any
from zlib import crc32

import msgspec

ALIASES = {
    "F1": "rate_limit", "F2": "rate_limit_bare", "F3": "server_error", "F4": "overloaded", "F8": "never", "F9": "slow_start",
    "F10": "drip", "F11": "reset", "F12": "reset_mid", "F13": "reset_mid", "F14": "fin_mid_chunk", "F15": "truncate",
    "F16": "error_first", "F17": "error_after", "F18": "bad_json", "F19": "html", "F20": "content_type", "F21": "gzip_bomb",
    "F22": "huge_body", "F23": "many_headers", "F24": "cl_te", "F25": "interim", "F26": "redirect", "F27": "split_utf8",
    "F28": "long_line", "F29": "usage", "F30": "close_idle",
}  # fmt: skip
"""The names of the acceptance battery. F5 is `POST /_sim/listener`, F7 a TLS listener; F6, F31 and F32 are the client's side."""


class Fault(msgspec.Struct, frozen=True):
    """What shall happen to one request. `args` as the named fault takes them; a single unnamed one is `value`."""

    name: str
    args: dict[str, Any] = {}

    def number(self, name: str, default: float) -> float:
        """A numeric argument, by its name or as the unnamed one."""
        return float(self.args.get(name, self.args.get("value", default)))

    def text(self, name: str, default: str) -> str:
        """A text argument, by its name or as the unnamed one."""
        return str(self.args.get(name, self.args.get("value", default)))

    @property
    def acts(self) -> bool:
        """Whether the request is carried out before its answer goes wrong (the default, and the harder case)."""
        return self.args.get("act", True) not in (False, "false", "0", 0)


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """A fault for matching requests: `vendor`, `method` and `path` (below the vendor) are globs.

    The first `after` matches are spared, then at most `times` (None: all) are hit, each with `probability`; which of them follows
    from `seed` alone, so a run can be repeated.
    """

    fault: str
    vendor: str = "*"
    method: str = "*"
    path: str = "*"
    args: dict[str, Any] = {}
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    id: int = 0
    matched: int = 0
    fired: int = 0

    def strikes(self, vendor: str, method: str, path: str) -> bool:
        """Whether this request is hit; counts it."""
        if self.times is not None and self.fired >= self.times:
            return False
        if not (
            fnmatchcase(vendor, self.vendor)
            and fnmatchcase(method, self.method)
            and fnmatchcase(path, self.path)
        ):
            return False
        self.matched += 1
        if self.matched <= self.after:
            return False
        if (
            self.probability < 1
            and crc32(b"%d.%d" % (self.seed, self.matched)) / 0xFFFFFFFF >= self.probability
        ):
            return False
        self.fired += 1
        return True


def from_header(text: str) -> Fault:
    """`NAME`, `NAME;arg` or `NAME;key=value;key=value`."""
    name, *parts = (part.strip() for part in text.split(";"))
    args: dict[str, Any] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        args[key if equals else "value"] = value if equals else key
    return Fault(ALIASES.get(name, name), args)


class Faults:
    """The rules in force, asked in the order in which they were set."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._last_id = 0

    def add(self, rule: Rule) -> Rule:
        """Puts a rule in force and gives it its number."""
        self._last_id += 1
        rule.id = self._last_id
        rule.fault = ALIASES.get(rule.fault, rule.fault)
        self.rules.append(rule)
        return rule

    def remove(self, rule_id: int | None = None) -> int:
        """Lifts one rule, or all. Returns how many were lifted."""
        kept = [rule for rule in self.rules if rule_id is not None and rule.id != rule_id]
        lifted = len(self.rules) - len(kept)
        self.rules = kept
        return lifted

    def choose(self, vendor: str, method: str, path: str, header: str | None) -> Fault | None:
        """The fault for a request, if any; the request's own header wins."""
        if header is not None:
            return from_header(header)
        for rule in self.rules:
            if rule.strikes(vendor, method, path):
                return Fault(rule.fault, rule.args)
        return None
