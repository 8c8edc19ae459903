"""Takes secrets out of texts before anyone sees them: some vendors echo the key that they refuse.

By shape only, so it also works where the secret itself is not at hand. Not for: hiding personal data in
bodies.
"""

from __future__ import annotations

import re

MASK = "***"

_KEYS = (
    (
        r"(?:sk|rk|pk|whsec|shpat|shpss|shppa|ghp|gho|ghu|ghs|ghr|github_pat|gsk|hf|r8|tl|tlb|ntn|secret|pcsk|nvapi|glpat|npm|dop_v1|lin_api)"
        r"[_-][A-Za-z0-9*_-]{12,}(?:\.[A-Za-z0-9*_-]+)*"
    ),
    r"xai-[A-Za-z0-9*_-]{12,}",
    r"pplx-[A-Za-z0-9*_-]{12,}",
    r"fw_[A-Za-z0-9*]{16,}",
    r"AIza[A-Za-z0-9_-]{20,}",
    r"ya29\.[A-Za-z0-9_-]{12,}(?:\.[A-Za-z0-9_-]+)*",
    r"xox[a-z]-[A-Za-z0-9-]{8,}",
    r"xapp-[A-Za-z0-9-]{8,}",
    r"SG\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    r"(?:AKIA|ASIA)[A-Z0-9]{12,}",
    r"SK[0-9a-f]{32}",
    r"key-[0-9a-f]{24,}",
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*",
)
_KEY = re.compile(r"(?<![A-Za-z0-9])(?:" + "|".join(_KEYS) + ")")
_PEM = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
)
_SCHEME = re.compile(
    r"\b(Bearer|Basic|Token|Key)\s+(?=[^\s\"',;]*[0-9])[A-Za-z0-9._~+/=:-]{16,}", re.IGNORECASE
)
_USERINFO = re.compile(r"(?<=://)[^\s/@:]{1,128}:[^\s/@]{1,256}(?=@)")
_NAMED = re.compile(
    r"(?P<name>\b(?:api[_-]?key|access[_-]?token|refresh[_-]?token|client[_-]?secret|password|secret)\b[\"']?\s{0,4}[:=]\s{0,4}[\"']?)"
    r"(?P<value>[A-Za-z0-9._~+/=-]{12,})",
    re.IGNORECASE,
)


def scrub(text: str) -> str:
    """The text with everything that looks like a credential replaced by `***`."""
    text = _PEM.sub(MASK, _KEY.sub(MASK, text))
    text = _SCHEME.sub(lambda m: f"{m[1]} {MASK}", text)
    text = _USERINFO.sub(MASK, text)
    return _NAMED.sub(lambda m: m["name"] + MASK, text)


def scrub_bytes(body: bytes) -> bytes:
    """The same for a body; bytes that hold no credential, in whatever encoding, come back untouched."""
    text = body.decode("utf-8", "surrogateescape")
    clean = scrub(text)
    return body if clean == text else clean.encode("utf-8", "surrogateescape")
