"""References to secrets as they stand in a registry, and the signs of a secret that stands there itself.

Nothing here resolves a reference (`control/secrets.py`), and nothing here ever puts a value into a text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = r"[^/?#\s]+"
_KEY = r"(#[^#\s]+)?"
SCHEMES = {
    "env": re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$"),
    "file": re.compile(r"^[^#]+(#[^#]+)?$"),
    "store": re.compile(r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"),
    "vault": re.compile(rf"^{_WORD}(/{_WORD})+(\?version=[0-9]+)?{_KEY}$"),
    "aws-sm": re.compile(rf"^[A-Za-z0-9/_+=.@:-]+(\?(version|stage)=[A-Za-z0-9-]+)?{_KEY}$"),
    "gcp-sm": re.compile(rf"^{_WORD}(/{_WORD})*(\?version=[A-Za-z0-9-]+)?{_KEY}$"),
    "azure-kv": re.compile(rf"^[A-Za-z0-9.-]+/[A-Za-z0-9-]+(\?version=[A-Za-z0-9]+)?{_KEY}$"),
    "doppler": re.compile(rf"^{_WORD}/{_WORD}/{_WORD}{_KEY}$"),
    "infisical": re.compile(rf"^{_WORD}(/{_WORD})+(\?version=[0-9]+)?{_KEY}$"),
    "keyring": re.compile(r"^[^/?#]+(/[^/?#]+)+(#[^#]+)?$"),
}
FORMS = (
    "`env:NAME`, `file:path#key`, `store:NAME`, or a path in an outside store, e.g. `vault:mount/path#key`"
)

_EXAMPLES = {
    "vault": "vault:secret/stripe#key",
    "aws-sm": "aws-sm:prod/stripe#key",
    "gcp-sm": "gcp-sm:project/stripe",
    "azure-kv": "azure-kv:vault/stripe",
    "doppler": "doppler:project/config/STRIPE",
    "infisical": "infisical:project/environment/STRIPE",
    "keyring": "keyring:service/name",
}

_KEY_SHAPED = re.compile(
    r"(?<![A-Za-z0-9])(?:sk|pk|rk)[-_](?:live|test|ant|proj|or|svcacct)?[-_]?[A-Za-z0-9_-]{16,}"
    r"|AIza[0-9A-Za-z_-]{30,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|xox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}|pplx-[A-Za-z0-9]{20,}"
    r"|pcsk_[A-Za-z0-9_]{20,}|fw_[A-Za-z0-9]{16,}|ntn_[A-Za-z0-9]{20,}|secret_[A-Za-z0-9]{32,}|AKIA[0-9A-Z]{16}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.|-----BEGIN [A-Z ]*PRIVATE KEY|tlb?_[A-Za-z0-9]{20,}"
)


class Problem(NamedTuple):
    """Why a text is no reference. Holds no part of the text save a known scheme."""

    code: str
    message: str
    cure: str


def problem(text: str) -> Problem | None:
    """None when the text is a well-formed reference."""
    scheme, colon, rest = text.partition(":")
    if looks_secret(text):
        return Problem("literal-secret", "A secret itself stands here (it is not shown).", _move())
    if colon and scheme in SCHEMES:
        if SCHEMES[scheme].match(rest):
            return None
        form = f"e.g. `{_EXAMPLES[scheme]}`" if scheme in _EXAMPLES else FORMS
        return Problem("bad-reference", f"What follows `{scheme}:` is not well formed.", f"Write {form}.")
    if colon and scheme.lower() in SCHEMES:
        return Problem("unknown-scheme", f"`{scheme}:` is not a known kind of reference.", f"Known: {FORMS}.")
    for start in ("os.environ/", "env.", "${", "$", "env::"):
        if text.startswith(start):
            return Problem(
                "bad-reference", f"`{start}...` is not how a variable is named here.", "Write `env:NAME`."
            )
    return Problem("literal-secret", "This is no reference to a secret (the value is not shown).", _move())


def _move() -> str:
    return (
        f"Put the value into the environment or the store (`trunkline secrets set NAME`) and write {FORMS}."
    )


def looks_secret(text: str) -> bool:
    """Whether a text holds something with the form of a credential."""
    return _KEY_SHAPED.search(text) is not None
